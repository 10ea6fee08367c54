/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_H
#define IOTCTL_PROVISION_PROVISION_H

#include "base/strv.h"
#include "model/fleet_file.h"
#include "model/topic_set.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"
#include "iotctl/ctl.h"
#include "iotctl/login/password_file.h"
#include "iotctl/output/progress.h"

/* What one device needs, and how far it has come. */
struct unit {
	size_t row;
	const char *device;               /* its topic id */
	const char *text[FLEET_COLUMNS];  /* as asked for; NULL: nothing said */
	json_int_t broker;
	json_int_t publish;               /* 0: none */
	json_t *subscribe;                /* ids */
	json_t *sensors;                  /* ids */
	json_int_t id;                    /* on the platform; 0: not there yet */
	json_t *missing;                  /* sensors it does not have yet */
	bool has_credential, has_config;
	json_int_t account;               /* at EMQX, where the platform keeps accounts; 0: none */
	char *account_name;
	bool makes_account;               /* it has none and gets one */
	json_t *rules;                    /* that its topics need, as bodies, in order */
	json_t *old_denials;              /* ids of rules that come again behind them */
	char *username;
	char *password;                   /* NULL: the platform has one */
	bool open;                        /* a change of its password is pending */
	bool failed;
	struct err err;
};

/* What the platform has that units refer to, fetched once. */
struct catalog {
	struct objects brokers, topics, sensors;
	const char *data, *commands, *status, *responses, *alerts; /* templates */
};

/* Finds what a unit refers to and what of it is there already; a difference between what is there
 * and what was asked for is an error. Changes nothing. */
int provision_unit_plan(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);
bool provision_unit_is_complete(const struct unit *u);

/* Makes what is missing: all of it or nothing. */
int provision_unit_make(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);

/* Requests that take back what was made, newest last. */
struct undo {
	struct strv paths;
};
/* POST; the new object's id, and how to take it back. `body` is released. */
int provision_unit_post(struct ctl *c, const char *resource, json_t *body, json_int_t *id,
    struct undo *undo, struct err *err);

/* provision_rules.c: what EMQX must know of the device, where the platform has that in hand; then to make it. */
int provision_unit_plan_rules(
    struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);
int provision_unit_make_rules(struct ctl *c, struct unit *u, struct undo *undo, struct err *err);

/* The bodies that provision_unit_make sends. */
json_t *provision_unit_device_body(const struct unit *u);
json_t *provision_unit_credential_body(const struct unit *u);
json_t *provision_unit_config_body(const struct unit *u);

void provision_unit_release(struct unit *u);

/* A whole run. */
struct batch {
	struct ctl *c;
	struct fleet_file fleet;
	struct strv ids;
	char *common
	    [FLEET_COLUMNS]; /* FIELD=... of the command line, for what a row leaves open */
	struct topic_set topics;
	struct password_file file;
	struct catalog catalog;
	struct unit *v;
	size_t n;
	struct progress progress;
	size_t done, failed;
	const struct err *hopeless; /* a unit's: the others would meet the same fate */
};

/* The devices of the command line or of --from (provision_args.c). */
int provision_batch_read(struct batch *b, const struct operands *in, struct err *err);

/* A login for each unit that has none: all new passwords are on disk before the platform has the
 * first, so that none can be lost (provision_login.c). */
int provision_batch_save_logins(struct batch *b, struct err *err);
/* Finishes the changes of passwords that are pending, one after another: each waits for its turn among all
 * processes. */
void provision_batch_finish_logins(struct batch *b);

#endif
