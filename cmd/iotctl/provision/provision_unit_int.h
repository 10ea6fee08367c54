/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_UNIT_INT_H
#define IOTCTL_PROVISION_PROVISION_UNIT_INT_H

#include "base/strv.h"
#include "iotctl/provision/provision_unit.h"

/* Requests that take back what was made, newest last. */
struct undo {
	struct strv paths; /* to DELETE */
};

/* Takes `path`. */
void provision_unit_undo_by(struct undo *u, char *path);
/* Creates an object: its id, and how to take it back. `body` is released. */
int provision_unit_post(struct ctl *c, const char *resource, json_t *body, json_int_t *id,
    struct undo *undo, struct err *err);

/* The account that the platform has made a new device, with a password that nobody is told: in its place another one
 * of the same name, with the unit's password and all its rules at once, where the platform can; else the rules are left
 * to provision_unit_make_rules. */
int provision_unit_replace_account(
    struct ctl *c, struct unit *u, struct undo *undo, struct err *err);
/* What provision_unit_plan_rules has planned. */
int provision_unit_make_rules(
    struct ctl *c, struct unit *u, struct undo *undo, struct err *err);

#endif
