/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_UNIT_H
#define IOTCTL_PROVISION_PROVISION_UNIT_H

#include "model/fleet_file.h"
#include "model/topic_set.h"
#include "iotctl/core/objects.h"
#include "iotctl/ctl.h"
#include "iotctl/provision/provision_held.h"

/*
 * One device with all it needs: sensors, credential, device-config, and, where the platform keeps them, an
 * EMQX account with rules. First it is planned, which changes nothing, then made, all of it or nothing.
 */
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
	json_int_t credential;            /* that it has; 0: none */
	bool only_account;                /* the rest of it stays as it is */
	bool lacks_broker;                /* it needs one, and several are active */
	json_int_t account;               /* at EMQX, where the platform keeps accounts; 0: none */
	char *account_name;
	bool lacks_account;               /* there are accounts, but not its own */
	bool makes_account;               /* ... and it gets one: its login is known */
	json_t *kept_rules;               /* that its account has and keeps, as bodies, in order */
	json_t *rules;                    /* that its topics need besides, behind them */
	json_t *old_denials;              /* ids of rules that come again behind them */
	char *username;
	char *password;                   /* NULL: the platform has one */
	bool pending;                     /* a change of its password is */
	bool failed;
	struct err err;
};

/* What the platform has that units refer to, fetched once. */
struct catalog {
	struct objects brokers, topics, sensors;
	struct held held; /* while units are planned; nothing once they are made */
	struct topic_set set;
	const char *data, *commands, *status, *responses, *alerts; /* templates, the set's */
};

/* Blocks. Release it in every case. */
int provision_unit_catalog(struct ctl *c, struct catalog *k, struct err *err);
void provision_unit_catalog_release(struct catalog *k);

/* Finds what a unit refers to and what of it is there already; a difference between what is there
 * and what was asked for is an error (ERR_REFUSED). Changes nothing. Blocks; in a job others go on. */
int provision_unit_plan(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);
/* The part of it that EMQX must know, where the platform has that in hand: again, once the login is known. */
int provision_unit_plan_rules(
    struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);
/* Whether a planned unit needs nothing. */
bool provision_unit_is_complete(const struct unit *u);

/* Makes what is missing. On an error takes back what it has made, and tells in `err` what could not be. Blocks;
 * in a job others go on. */
int provision_unit_make(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);

/* The account of a device that is there and has lost it, with this login, and the rules that the topics of its
 * device-config need. Blocks. */
int provision_unit_restore(struct ctl *c, const char *device, const char *username,
    const char *password, struct err *err);

/* The bodies that provision_unit_make sends (decref). */
json_t *provision_unit_device_body(const struct unit *u);
json_t *provision_unit_credential_body(const struct unit *u);
json_t *provision_unit_config_body(const struct unit *u);
json_t *provision_unit_account_body(const struct unit *u);

/* What a unit gets where neither its row nor the platform names a broker, and several are active: their names, for
 * people (free). */
char *provision_unit_brokers(const struct catalog *k);

void provision_unit_release(struct unit *u);

#endif
