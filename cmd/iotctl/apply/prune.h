/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_PRUNE_H
#define IOTCTL_APPLY_PRUNE_H

#include "iotctl/apply/plan.h"

/*
 * --prune: what the files do not name goes, of the resources that they do name; those that refer to others
 * first. An object is named when a plan has claimed it, so that all plans are made before.
 */

/* Before anything is changed: ERR_USAGE without --yes and without a terminal to ask on. */
int prune_check(const struct ctl *c, struct err *err);
/* Asks for each, unless --yes, deletes it, and says so; in a dry run shows the requests. Blocks. Stops at the
 * first that fails, or that the user keeps. */
int prune_run(struct planner *p, struct err *err);
/* The same as lines of diff. Returns how many. */
size_t prune_show(struct planner *p);

#endif
