/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the platform; only for platform*.c. */
#ifndef IOTPUB_PLATFORM_INVENTORY_INT_H
#define IOTPUB_PLATFORM_INVENTORY_INT_H

#include "exec/iotctl_child.h"
#include "iotpub/platform/inventory.h"

/* A device, as three resources have it. */
struct planned {
	char *id;
	struct topic *topic; /* NULL: the built-in one */
	struct sensors sensors;
	struct buf seen; /* what all this came from: it changed when this did */
	struct profile profile;
	const struct inventory_broker *outlet;
	bool listed; /* and wanted, in the last answers */
	bool off;    /* no device for now: not wanted */
};

/* A broker, and what its sessions share. */
struct inventory_broker {
	struct iotctl_child_broker broker;
	struct tls *tls;
};

/* What there is to say of a device: a line of `device-config list`. */
struct config {
	long device;
	struct span object;
};

/* What iotctl is asked for, in this order. */
enum { DEVICES, CONFIGS, TOPICS, BROKERS, PLATFORM_ANSWERS };
enum { PLATFORM_PIECE = 16384 };
extern const char *const platform_resources[PLATFORM_ANSWERS];

struct refresh;

struct inventory {
	struct planned **v; /* stays where it is: devices point to profiles */
	size_t n, last; /* the one that was looked up last */
	struct inventory_broker **outlets; /* each stays where it is, too */
	size_t outlets_n;
	struct loop_timer timer;
	struct refresh *refresh; /* NULL: not asked now */
	struct buf answers[PLATFORM_ANSWERS]; /* NDJSON */
	struct config *index;                 /* of the configs, by device */
	size_t index_n;
};

/* inventory.c */

/* NULL: it is not known. */
struct planned *inventory_find(struct inventory *p, const char *id);
/* Of all devices the active ones, of those that are named each. `config`: p is NULL when it has none. */
bool inventory_wants(
    const struct sim *t, const char *id, struct span device, struct span config);
/* Adds one if it is wanted, to t->ids as well. */
int inventory_add(struct sim *t, struct span device, struct err *err);
/* Those that are new. Only where the command line and the configuration name no other. */
int inventory_take_brokers(struct sim *t, struct err *err);

/* inventory_read.c */

/* Asks for everything anew. */
int inventory_ask_all(struct sim *t, struct inventory *p, struct err *err);
/* After new answers. */
void inventory_index(struct inventory *p);
/* The configuration of a device; without one, p is NULL and everything is as built in. */
struct span inventory_config(const struct inventory *p, struct span device);
/* Sets what the device does. What is missing is as for devices that the platform does not know. */
int inventory_planned_fill(struct sim *t, struct planned *d, struct span device, struct span config,
    struct err *err);
/* Appends what inventory_planned_fill looks at. */
void inventory_planned_put_seen(
    struct buf *seen, const struct inventory *p, struct span device, struct span config);
void inventory_planned_clear(struct planned *d);

/* inventory_refresh.c */

/* Asks for everything anew, on the loop. `done` gets the answers, which it may take; what fails is told. Then
 * inventory_watch. */
void inventory_refresh_start(struct sim *t, void (*done)(struct sim *t, struct buf *answers));
/* Ends the child. Accepts NULL. */
void inventory_refresh_free(struct refresh *r);

#endif
