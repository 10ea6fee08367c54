/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_MQTT_TARGET_H
#define IOTCTL_MQTT_TARGET_H

#include "model/broker_address.h"
#include "mqtt/session.h"
#include "iotctl/ctl.h"

/* A device as the commands that speak to it need it. */
struct target {
	char *id;         /* its topic id */
	long long number; /* the API's; 0: not looked up */
	struct broker_address broker; /* as the platform says; empty: the options name one */
};

/* Finds the device by any of its names. With a broker named by the options and no API at hand, `name`
 * is taken for the topic id as it stands, with a warning. */
int target_find(struct ctl *c, const char *name, struct target *out, struct err *err);

/* Whether the options or the context name a broker. */
bool target_has_broker(const struct ctl *c);

/* A broker of the platform, as a target without a device. */
int target_broker(struct ctl *c, const char *name, struct target *out, struct err *err);

/* How to connect: to a broker found by target_broker; else the options' broker, else that of the
 * device's configuration on the platform. A password of the options goes to either.
 * `out` points into c->args and `t`. */
int target_connection(struct ctl *c, struct target *t, struct session_opts *out,
    struct err *err);
void target_release(struct target *t);

#endif
