/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the platform. */
#ifndef IOTPUB_PLATFORM_INVENTORY_INT_H
#define IOTPUB_PLATFORM_INVENTORY_INT_H

#include "exec/iotctl_child.h"
#include "model/broker_address.h"
#include "iotpub/platform/inventory.h"

/* A device, as three resources have it. */
struct planned {
	char *id;
	struct topic *topic; /* NULL: the built-in one */
	struct sensors sensors;
	struct buf seen; /* what all this came from: it changed when this did */
	struct profile profile;
	const struct inventory_broker *broker;
	bool listed; /* and wanted, in the last answers */
	bool off;    /* no device for now: not wanted */
	bool configured; /* there is a device-config of it */
};

/* A broker, and what its sessions share. */
struct inventory_broker {
	int64_t id;
	struct broker_address address;
	struct tls *tls;
};

/* What there is to say of a device, of a line of `device-config list`. Numbers are -1 where it does not say. */
struct config {
	int64_t device, topic, interval, qos, broker;
	bool retain, active;
};

/* What the platform answered. */
struct answers {
	struct buf brokers, topics; /* for iotctl_child_next */
	struct buf configs;         /* struct config; by device once inventory_answers_sort was called */
	struct buf devices; /* of a --refresh: only those that change something; for iotctl_child_next */
};

/* What iotctl is asked for, in this order: configurations before what they refer to, so that what is made
 * between two answers is in the later one; devices last, which are looked at as they come. */
enum { CONFIGS, BROKERS, TOPICS, DEVICES, PLATFORM_ANSWERS };
extern const char *const inventory_resources[PLATFORM_ANSWERS];

struct refresh;

struct inventory {
	struct inventory_opts opts;
	struct planned **v; /* stays where it is: devices point to profiles */
	size_t n, last; /* the one that was looked up last */
	struct inventory_broker **brokers; /* each stays where it is, too */
	size_t brokers_n;
	struct loop *loop; /* with inventory_watch */
	const struct inventory_events *events;
	void *arg;
	bool stopped;
	struct loop_timer timer;
	struct refresh *refresh; /* NULL: not asked now */
	struct answers answers;  /* the last ones that were whole */
};

/* inventory.c */

/* NULL: it is not known. */
struct planned *inventory_find(struct inventory *p, const char *id);
/* Of all devices the active ones, of those that are named each. */
bool inventory_wants(const struct inventory *p, const char *id, struct span device,
    const struct config *config);
/* Adds one if it is wanted. */
int inventory_add(struct inventory *p, struct span device, struct err *err);
/* Those that are new. Only where the command line and the configuration name no other. */
int inventory_take_brokers(struct inventory *p, struct err *err);

/* inventory_read.c */

/* How an object of each answer is put into a struct answers; NULL for devices. */
extern iotctl_child_take *const inventory_answers_take[PLATFORM_ANSWERS];
/* Once all configurations are there. */
void inventory_answers_sort(struct answers *a);
/* The configuration of a device; without one, it wants nothing and everything is as built in. */
const struct config *inventory_answers_config(const struct answers *a, struct span device);
void inventory_answers_release(struct answers *a);
/* Sets what the device does. What is missing is as for devices that the platform does not know. */
int inventory_planned_fill(struct inventory *p, struct planned *d, struct span device,
    const struct config *config, struct err *err);
/* Appends what inventory_planned_fill looks at. */
void inventory_planned_put_seen(struct buf *seen, const struct answers *a, struct span device,
    const struct config *config);
void inventory_planned_clear(struct planned *d);

/* inventory_update.c */

/* Of the devices that answers list, keeps those that change something; begin with inventory_unlist. */
void inventory_unlist(struct inventory *p);
void inventory_keep_device(struct inventory *p, struct answers *a, struct span device);
/* Lets the devices do what is new in answers, which it takes. */
void inventory_change(struct inventory *p, struct answers *a);
/* The next question, when it is time for it. */
void inventory_refresh_later(struct inventory *p);

/* inventory_refresh.c */

/* Asks for everything anew, on the loop, then inventory_change; what fails is told and changes nothing. Then
 * inventory_refresh_later. */
void inventory_refresh_start(struct inventory *p);
/* Ends the child. Accepts NULL. */
void inventory_refresh_free(struct refresh *r);

#endif
