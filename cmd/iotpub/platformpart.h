/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the platform; only for platform*.c. */
#ifndef PLATFORMPART_H
#define PLATFORMPART_H

#include "conf/iotctl.h"
#include "platform.h"

/* A device, as three resources have it. */
struct planned {
	char *id;
	struct topic *topic; /* NULL: the built-in one */
	struct sensors sensors;
	struct buf seen; /* what all this came from: it changed when this did */
	struct profile profile;
	const struct outlet *outlet;
};

/* A broker, and what its sessions share. */
struct outlet {
	struct iotctl_broker broker;
	struct tls *tls;
};

/* What there is to say of a device: a line of `device-config list`. */
struct config {
	long device;
	struct span object;
};

struct platform {
	struct planned **v; /* stays where it is: devices point to profiles */
	size_t n;
	struct outlet *outlets;
	size_t outlets_n;
	struct loop_timer timer;
	struct buf devices, configs, topics, brokers; /* NDJSON */
	struct config *index;                         /* of configs, by device */
	size_t index_n;
};

/* platformread.c */

/* Asks for everything anew. */
int platform_ask_all(struct act *t, struct platform *p, struct err *err);
/* The configuration of a device; without one, p is NULL and everything is as built in. */
struct span platform_config(const struct platform *p, struct span device);
/* Sets what the device does. What is missing is as for devices that the platform does not know. */
int planned_fill(struct act *t, struct planned *d, struct span device, struct span config,
    struct err *err);
/* Appends what planned_fill looks at. */
void planned_put_seen(
    struct buf *seen, const struct platform *p, struct span device, struct span config);
void planned_clear(struct planned *d);

#endif
