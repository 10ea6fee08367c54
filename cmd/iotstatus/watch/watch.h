/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_H
#define IOTSTATUS_WATCH_WATCH_H

#include "mqtt/consumer.h"
#include "iotstatus/check.h"
#include "iotstatus/watch/screen.h"

/* The live view. Blocks until it is quit; `format` is that of the plain lines when there is no
 * terminal. Ended by a signal: an error of code ERR_SIGNAL + its number. */
int watch_run(struct device_check *l, enum format format, struct err *err);

/* All below is for the view's own parts: watch_feed.c feeds, watch_model.c counts, watch_draw.c draws,
 * watch_keys.c listens. */

enum traffic {
	TRAFFIC_STATUS,
	TRAFFIC_DATA,
	TRAFFIC_COMMANDS,
	TRAFFIC_RESPONSES,
	TRAFFIC_ALERTS,
	TRAFFICS
};
extern const char *const traffic_names[TRAFFICS];

enum sort { SORT_OFFLINE, SORT_CHANGED, SORT_NAME, SORT_STATE, SORTS };

enum {
	HOUR = 3600,   /* samples of the percentage, one a second */
	CHANGES = 256, /* that are remembered */
	RATE_SECONDS = 5,
};

struct change {
	uint32_t device;
	int64_t when; /* seconds */
	uint8_t from; /* enum presence, or PRESENCES: it was not known */
	uint8_t to;
};

/* What is known, for whoever draws it. */
struct watch_model {
	struct device_table *fleet;
	bool listed;     /* the API's list is the fleet */
	int64_t max_age; /* microseconds, 0: none */
	struct counts counts;
	uint8_t *shown;   /* of each device, the state that was counted last */
	int64_t *changed; /* seconds; 0: not since we look */
	size_t room, known;
	struct change changes[CHANGES]; /* a ring, `change_count` in all */
	size_t change_count;
	float hour[HOUR]; /* a ring, < 0: no devices */
	size_t samples;
	uint32_t traffic[TRAFFICS][RATE_SECONDS]; /* messages a second, a ring */
	size_t second;
};

/* The state that counts: a broker's word, if there is one, before the database's; by age, stale. */
enum presence watch_model_state(const struct watch_model *m, const struct device *d, int64_t now);
/* Since when, microseconds; 0: unknown. */
int64_t watch_model_since(const struct watch_model *m, size_t device);
/* Looks at all devices: counts, and what changed. */
void watch_model_count(struct watch_model *m, int64_t now);
/* The next word about this device is the first. */
void watch_model_forget(struct watch_model *m, size_t device);
/* A second has passed: a sample, if it is worth one, and the next bucket of traffic. */
void watch_model_tick(struct watch_model *m, bool sample);
double watch_model_rate(const struct watch_model *m, enum traffic t);
void watch_model_release(struct watch_model *m);

/* What the broker pushes (watch_feed.c): status, signs of life, traffic. It never gives up. */
struct watch_feed {
	struct device_check *look;
	struct watch_model *model;
	struct consumer *consume; /* NULL: not started */
	struct topic *templates[TRAFFICS];
	struct loop_timer dial;
	bool
	    strangers; /* a topic has an id that the API does not list: perhaps a client id */
	bool ready, settled;
	size_t kept;       /* retained status messages since the last watch_feed_is_settled */
	char trouble[512]; /* "" or why there is no connection */
	void (*changed)(void *arg); /* something may have to be counted and drawn */
	void *arg;
};
int watch_feed_start(struct watch_feed *f, struct device_check *l, struct watch_model *m,
    void (*changed)(void *arg), void *arg, struct err *err);
/* Asked once a second: whether the broker has sent all that it kept. Before that a percentage would be
 * of half a fleet. */
bool watch_feed_is_settled(struct watch_feed *f);
void watch_feed_stop(struct watch_feed *f);

/* What the person at the keys has chosen. */
struct choice {
	enum sort sort;
	char filter[64];
	bool typing; /* the filter */
	int top;     /* first line of the list that is shown */
	int lines;   /* that fit, set by drawing */
	int count;   /* of the list, set by drawing */
	bool quit;
};
/* Bytes of the keyboard; true if something must be drawn. */
bool watch_keys_take(struct choice *c, const char *p, size_t n);

struct headline {
	const char *where;   /* who is asked */
	const char *trouble; /* "" or what is wrong just now */
};
void watch_draw(struct screen *s, const struct watch_model *m, struct choice *c,
    const struct headline *h, int64_t now);

#endif
