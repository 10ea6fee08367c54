/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_VERDICT_H
#define IOTSTATUS_VERDICT_H

#include "base/buf.h"
#include "base/err.h"
#include "iotstatus/device_table.h"
#include "iotstatus/threshold.h"

/* The states of a monitoring plugin, which are its exit statuses. */
enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN, STATE_COUNT };
extern const char *const verdict_state_names[STATE_COUNT];

/* The one that is worse: critical, warning, unknown, ok. */
enum state verdict_worse(enum state a, enum state b);

/* Reads the answer of /api/mqtt/device-status/. One that lacks a number, or whose numbers do not
 * add up, is an error (ERR_PROTOCOL). */
int verdict_read(struct counts *c, struct span body, struct err *err);
/* Of at least one device, with two decimals, as it is shown and judged: rounded, but 100 only when
 * all are online and 0 only when none is. */
double verdict_percent(const struct counts *c);
/* `empty` is the state of a fleet without devices: there is no percentage of nothing. */
enum state verdict_judge(const struct counts *c, const struct threshold *l, enum state empty);

struct group {
	const char *name; /* borrowed */
	struct counts counts;
	struct threshold limit;
	enum state state;
};

/* All that can be said of one check of the fleet; verdict_release frees the groups and the view. */
struct report {
	enum state state;
	struct counts counts;
	struct threshold limit;
	double seconds; /* that it took */
	const char *source; /* its name: "api", "mqtt", "emqx" */
	const struct device_table *fleet; /* NULL: only the counts are known */
	bool listed;               /* the fleet is what the API lists */

	const char *by; /* NULL: no groups */
	struct group *groups;
	size_t group_count;

	const char *other; /* --verify's source; NULL: none */
	struct counts other_counts;
	long disputed; /* devices */
	long unlisted; /* that only the other source knows */

	int64_t max_age; /* ms; 0: not asked */
	int64_t seen;    /* the fleet's last sign of life, microseconds */
	bool frozen;     /* which is older than that */

	char *view; /* who asks, and so sees what (free); NULL: not asked */
	bool verbose;
	bool per_device;   /* metrics of each device, too */
	const char *trouble; /* why it is not known what they are by now; NULL: it is */
	int64_t age;         /* then: seconds since they were */
	int64_t recovered; /* seconds the trouble had lasted that is over; -1: none */
};

/* Judges groups, the other source, age; the worst is the report's state, but UNKNOWN while there is trouble. */
void verdict_judge_report(struct report *r, enum state empty);
void verdict_release(struct report *r);

#endif
