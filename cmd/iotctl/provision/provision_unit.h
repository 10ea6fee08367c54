/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_UNIT_H
#define IOTCTL_PROVISION_PROVISION_UNIT_H

#include "model/fleet_file.h"
#include "iotctl/core/objects.h"
#include "iotctl/ctl.h"

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
	json_int_t account;               /* at EMQX, where the platform keeps accounts; 0: none */
	char *account_name;
	bool makes_account;               /* it has none and gets one */
	json_t *rules;                    /* that its topics need, as bodies, in order */
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
	const char *data, *commands, *status, *responses, *alerts; /* templates, the topic_set's */
};

/* Finds what a unit refers to and what of it is there already; a difference between what is there
 * and what was asked for is an error (ERR_REFUSED). Changes nothing. Blocks; in a job others go on. */
int provision_unit_plan(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);
/* Whether a planned unit needs nothing. */
bool provision_unit_is_complete(const struct unit *u);

/* Makes what is missing. On an error takes back what it has made, and tells in `err` what could not be. Blocks;
 * in a job others go on. */
int provision_unit_make(struct ctl *c, const struct catalog *k, struct unit *u, struct err *err);

/* The bodies that provision_unit_make sends (decref). */
json_t *provision_unit_device_body(const struct unit *u);
json_t *provision_unit_credential_body(const struct unit *u);
json_t *provision_unit_config_body(const struct unit *u);

void provision_unit_release(struct unit *u);

#endif
