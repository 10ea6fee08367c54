/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_PLATFORM_INVENTORY_H
#define IOTPUB_PLATFORM_INVENTORY_H

#include "iotpub/sim/sim.h"

/* Devices as the platform has them: --from-platform. */
struct inventory;

/* Asks iotctl, which blocks, and fills t->ids: those that were named, or all that are active. */
int inventory_ask(struct sim *t, struct err *err);
/* What this device does (t->profile if the platform does not say), and its broker. */
const struct profile *inventory_profile(const struct sim *t, const char *id);
/* The broker of a profile, for options that name none. */
void inventory_login(const struct sim *t, const struct profile *p, struct session_opts *o);
/* The same for devices of one broker. */
const void *inventory_broker(const struct sim *t, const struct profile *profile);
/* Asks again each --refresh, and lets devices do what is new. */
void inventory_watch(struct sim *t);
/* Accepts NULL. */
void inventory_free(struct inventory *p);

#endif
