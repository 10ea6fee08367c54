/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_BROKER_CACHE_H
#define IOTCTL_DOCTOR_BROKER_CACHE_H

#include "model/credentials.h"
#include "iotctl/core/view.h"
#include "iotctl/doctor/broker_probe.h"

/* A broker as it looks from here. */
struct cached_broker {
	json_int_t id; /* 0: the one of the options */
	char *name;
	struct broker_probe probe;
	struct err err;   /* it could not even be tried */
	int qos;          /* the highest that came back; -1: not tried */
	struct target *t; /* how to get there */
};

/* Each broker is probed once for all its devices, under a client id that no device has. */
struct broker_cache {
	struct ctl *c;
	const struct view *view; /* what the platform says of brokers */
	struct cached_broker *v;
	size_t n;
};

/* Probes a broker the first time that it is asked for; good until the next call. NULL, with `err`: not even
 * the probe could be made. Blocks. */
struct cached_broker *broker_cache_get(struct broker_cache *k, json_int_t id, struct err *err);
/* Whether this login is let in; `out->detail` is the caller's (free). Blocks. */
int broker_cache_login(struct broker_cache *k, struct cached_broker *b,
    const struct credential *login, struct broker_probe_result *out, struct err *err);
void broker_cache_release(struct broker_cache *k);

#endif
