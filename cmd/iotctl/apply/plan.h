/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_PLAN_H
#define IOTCTL_APPLY_PLAN_H

#include "iotctl/apply/index.h"
#include "iotctl/apply/manifest.h"
#include "iotctl/apply/sent_secrets.h"

/* What one item of a manifest needs. */
struct plan {
	struct item *item;
	ssize_t object;   /* in its stock; INDEX_NONE: to be made */
	json_int_t id;    /* 0: not known yet */
	json_t *body;     /* all fields as the API wants them */
	json_t *change;   /* those to send: all of them for a new object */
	json_t *assign;   /* ids of sensors that a device lacks ... */
	json_t *unassign; /* ... and of those it has too many */
	json_t *unknown;  /* times not to send: whether they are there already nobody knows */
};

/* What plans are made with. */
struct planner {
	struct ctl *c;
	struct index_set stocks;
	struct sent_secrets secrets;
	size_t absent;      /* secrets left as they are: their files are not there ... */
	const char *lacked; /* ... the first of them, the item's */
};

/* Looks up, validates and compares. All wrong fields are told in `err`, joined. */
int plan_make(struct planner *p, struct item *item, struct plan *out, struct err *err);
void plan_release(struct plan *plan);

/* Secrets that were sent are remembered. */
void plan_keep_secrets(struct planner *p, const struct plan *plan);

#endif
