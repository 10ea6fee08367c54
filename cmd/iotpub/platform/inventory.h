/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_PLATFORM_INVENTORY_H
#define IOTPUB_PLATFORM_INVENTORY_H

#include "base/strv.h"
#include "cli/opt.h"
#include "loop/loop.h"
#include "mqtt/session.h"
#include "iotpub/values/payload.h"
#include "iotpub/values/profile.h"

/* Devices as the platform has them, asked of iotctl as a child: --from-platform. */
struct inventory;

/* What the command line says of them. What it points to must outlive the inventory. */
struct inventory_opts {
	const struct common *common;        /* iotctl's configuration and context */
	const struct session_opts *session; /* what all their sessions share */
	bool broker_given;                  /* there: the platform's brokers are not asked for */
	const struct strv *named;           /* ids; none: all devices that are active */
	const struct profile *profile;      /* what a device does that the platform says nothing of */
	const struct payload *payload;
	bool sensors_given, interval_given; /* in `profile`, for all of them */
	int64_t refresh;                    /* ms from one answer to the next question; 0: asked once */
};

/* What has changed; on the loop's thread. A device is known by its profile, which stays where it is. */
struct inventory_events {
	/* Whether anything may change now; if not, this answer is not looked at. */
	bool (*can_change)(void *arg);
	/* One more. -1: it cannot be taken, now or later. */
	int (*added)(void *arg, const char *id, const struct profile *p, struct err *err);
	/* *p says something else; `other_broker`: of the broker, too. False: there is no such device. */
	bool (*changed)(void *arg, const struct profile *p, bool other_broker);
	/* It is not wanted any more. False: it is over by itself, or there is none. */
	bool (*removed)(void *arg, const struct profile *p);
	/* It is wanted again. 1: not yet, ask again next time; -1: it stays away, `err` says why if it
	 * is not for the first reason that `removed` returns false for. */
	int (*restored)(void *arg, const struct profile *p, struct err *err);
	/* All was told, and some were added or restored. */
	void (*grown)(void *arg);
};

/* Asks iotctl, which blocks. Release *out also after an error. */
int inventory_load(struct inventory **out, const struct inventory_opts *opts, struct err *err);
/* The devices, from 0: those that were named, or all that are active. */
size_t inventory_count(const struct inventory *p);
/* The id of one, and what it does; both are the inventory's and stay where they are. */
const char *inventory_device(
    const struct inventory *p, size_t i, const struct profile **profile);

/* The options of a connection to this broker; NULL: leaves them as they are. They point into it. */
void inventory_set_broker(const struct inventory_broker *broker, struct session_opts *o);

/* Asks again each --refresh, without blocking, and tells what has changed. */
void inventory_watch(struct inventory *p, struct loop *loop, const struct inventory_events *events,
    void *arg);
/* Tells nothing any more. */
void inventory_stop(struct inventory *p);
/* Accepts NULL. */
void inventory_free(struct inventory *p);

#endif
