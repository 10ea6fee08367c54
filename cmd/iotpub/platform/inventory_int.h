/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the platform; only for platform*.c. */
#ifndef PLATFORMPART_H
#define PLATFORMPART_H

#include "exec/iotctl_child.h"
#include "iotpub/platform/inventory.h"

/* A device, as three resources have it. */
struct planned {
	char *id;
	struct topic *topic; /* NULL: the built-in one */
	struct sensors sensors;
	struct buf seen; /* what all this came from: it changed when this did */
	struct profile profile;
	const struct outlet *outlet;
	bool listed; /* and wanted, in the last answers */
	bool off;    /* no device for now: not wanted */
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

/* What iotctl is asked for, in this order. */
enum { DEVICES, CONFIGS, TOPICS, BROKERS, PLATFORM_ANSWERS };
enum { PLATFORM_PIECE = 16384 };
extern const char *const platform_resources[PLATFORM_ANSWERS];

struct refresh;

struct platform {
	struct planned **v; /* stays where it is: devices point to profiles */
	size_t n, last; /* the one that was looked up last */
	struct outlet **outlets; /* each stays where it is, too */
	size_t outlets_n;
	struct loop_timer timer;
	struct refresh *refresh; /* NULL: not asked now */
	struct buf answers[PLATFORM_ANSWERS]; /* NDJSON */
	struct config *index;                 /* of the configs, by device */
	size_t index_n;
};

/* inventory.c */

/* NULL: it is not known. */
struct planned *platform_find(struct platform *p, const char *id);
/* Of all devices the active ones, of those that are named each. `config`: p is NULL when it has none. */
bool platform_wants(
    const struct act *t, const char *id, struct span device, struct span config);
/* Adds one if it is wanted, to t->ids as well. */
int platform_add(struct act *t, struct span device, struct err *err);
/* Those that are new. Only where the command line and the configuration name no other. */
int platform_take_brokers(struct act *t, struct err *err);

/* inventory_read.c */

/* Asks for everything anew. */
int platform_ask_all(struct act *t, struct platform *p, struct err *err);
/* After new answers. */
void platform_index(struct platform *p);
/* The configuration of a device; without one, p is NULL and everything is as built in. */
struct span platform_config(const struct platform *p, struct span device);
/* Sets what the device does. What is missing is as for devices that the platform does not know. */
int planned_fill(struct act *t, struct planned *d, struct span device, struct span config,
    struct err *err);
/* Appends what planned_fill looks at. */
void planned_put_seen(
    struct buf *seen, const struct platform *p, struct span device, struct span config);
void planned_clear(struct planned *d);

/* inventory_refresh.c */

/* Asks for everything anew, on the loop. `done` gets the answers, which it may take; what fails is told. Then
 * platform_watch. */
void refresh_start(struct act *t, void (*done)(struct act *t, struct buf *answers));
/* Ends the child. Accepts NULL. */
void refresh_free(struct refresh *r);

#endif
