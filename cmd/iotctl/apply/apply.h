/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_APPLY_H
#define IOTCTL_APPLY_APPLY_H

#include "iotctl/apply/plan.h"

enum outcome { WAITING, CREATED, CHANGED, UNCHANGED, DELETED, FAILED, OUTCOMES };

/* The state of apply, which runs up to --jobs requests at once. */
struct apply {
	struct planner p;
	struct manifest m;
	struct work *v; /* one an item */
	size_t next;    /* to be started */
	size_t end;     /* of the level at hand */
	size_t flying;
	size_t shown;   /* results go out in order */
	size_t failed;
	struct err hopeless; /* nothing that follows can do better */
};

/* One item on its way. */
struct work {
	struct apply *a;
	struct plan plan;
	enum outcome outcome; /* WAITING: not done */
	enum outcome doing;
	bool again;   /* the second request, the last one, for what the first ignored */
	struct err err;
};

/* Reads the files of -f. */
int apply_begin(struct apply *a, struct ctl *c, const struct operands *in,
    const char *name, struct err *err);
/* Reads what the API holds of the resources of items from..to, and of what those refer to. */
int apply_load(struct apply *a, size_t from, size_t to, struct err *err);
void apply_end(struct apply *a);

/* Says what became of an object, in the format asked for. `name` is its natural key. */
void apply_say(struct ctl *c, size_t row, const struct schema_resource *r,
    const char *name, json_int_t id, enum outcome outcome, const struct err *why);

/* Deletes what the files do not name, of the resources that they do name; those that refer to others
 * first. */
int apply_prune_run(struct apply *a, struct err *err);
/* The same as lines of diff. Returns how many. */
size_t apply_prune_show(struct apply *a);
/* Asks, unless --yes; refuses without a terminal. */
int apply_prune_check(const struct ctl *c, struct err *err);

#endif
