/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_PLAN_H
#define IOTCTL_APPLY_PLAN_H

#include "iotctl/apply/index.h"
#include "iotctl/apply/manifest.h"
#include "iotctl/apply/sent_secrets.h"

/* What one item of a manifest needs; owns its JSON. */
struct plan {
	struct item *item;
	ssize_t object;   /* in its index; INDEX_NONE: to be made */
	json_int_t id;    /* 0: not known yet */
	json_t *body;     /* all fields as the API wants them */
	json_t *change;   /* those to send: all of them for a new object */
	json_t *assign;   /* ids of sensors that a device lacks ... */
	json_t *unassign; /* ... and of those it has too many */
	json_t *unknown;  /* times not to send: whether they are there already nobody knows */
};

/* What the files want and what the platform holds: apply and diff make their plans with it. */
struct planner {
	struct ctl *c;
	struct manifest m;
	struct index_set held;
	struct sent_secrets secrets;
	size_t absent;      /* secrets left as they are: their files are not there ... */
	const char *lacked; /* ... the first of them, the item's */
};

/* Reads the files of -f; `name` is the command's, which takes no operand. Blocks. Close it in every case. */
int plan_open(struct planner *p, struct ctl *c, const struct operands *in,
    const char *name, struct err *err);
/* Reads what the API holds of the resources of items from..to, and of what those refer to. Blocks. */
int plan_load(struct planner *p, size_t from, size_t to, struct err *err);
/* Says which secrets were left as they are, and writes those that were sent to their record. */
void plan_close(struct planner *p);

/* Looks up, validates and compares, without a request for what plan_load has read. All wrong fields are
 * in `err`, joined. Release it in every case. */
int plan_make(struct planner *p, struct item *item, struct plan *out, struct err *err);
void plan_release(struct plan *plan);
/* Puts what a dry run only pretends to make where names find it: it has no id. */
void plan_pretend(struct planner *p, const struct plan *plan);

/* Secrets that were sent are remembered. */
void plan_keep_secrets(struct planner *p, const struct plan *plan);

#endif
