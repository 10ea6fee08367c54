/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_MODEL_H
#define IOTSTATUS_WATCH_WATCH_MODEL_H

#include "iotstatus/device_table.h"

enum traffic {
	TRAFFIC_STATUS,
	TRAFFIC_DATA,
	TRAFFIC_COMMANDS,
	TRAFFIC_RESPONSES,
	TRAFFIC_ALERTS,
	TRAFFICS
};
extern const char *const watch_model_traffic_names[TRAFFICS];

enum {
	WATCH_HOUR = 3600,   /* samples of the percentage, one a second */
	WATCH_CHANGES = 256, /* that are remembered */
	WATCH_RATE_SECONDS = 5,
};

struct watch_change {
	uint32_t device; /* index into the fleet */
	int64_t when;    /* seconds since 1970 */
	uint8_t from;    /* enum presence, or PRESENCES: it was not known */
	uint8_t to;
};

/* What is known of the fleet, and what has changed, for whoever draws it. The zero value with a fleet is empty. */
struct watch_model {
	struct device_table *fleet; /* somebody else's, longer than this lives */
	bool listed;                /* the API's list is the fleet */
	int64_t max_age;            /* microseconds, 0: none */
	struct counts counts;
	uint8_t *shown;   /* of each device, the state that was counted last */
	int64_t *changed; /* seconds since 1970; 0: not since we look */
	size_t room, known;
	struct watch_change changes[WATCH_CHANGES]; /* a ring, `change_count` in all */
	size_t change_count;
	float hour[WATCH_HOUR]; /* a ring, `samples` in all, < 0: no devices */
	size_t samples;
	uint32_t traffic[TRAFFICS][WATCH_RATE_SECONDS]; /* messages a second, a ring */
	size_t second;                                  /* of them the one that goes on */
};

/* The state that counts at `now` (microseconds since 1970): a broker's word, if there is one, before the
 * database's; by age, stale. */
enum presence watch_model_state(const struct watch_model *m, const struct device *d, int64_t now);
/* Since when, microseconds since 1970; 0: unknown. */
int64_t watch_model_since(const struct watch_model *m, size_t device);
/* Looks at all devices: counts, and what changed. */
void watch_model_count(struct watch_model *m, int64_t now);
/* The next word about this device is the first, and no change. */
void watch_model_forget(struct watch_model *m, size_t device);
/* A second has passed: a sample, if it is worth one, and the next bucket of traffic. */
void watch_model_tick(struct watch_model *m, bool sample);
/* Messages a second, the mean of the last whole seconds. */
double watch_model_rate(const struct watch_model *m, enum traffic t);
/* All but the fleet. */
void watch_model_release(struct watch_model *m);

#endif
