/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "iotpub/sim/sim.h"

/* Devices as the platform has them: --from-platform. */
struct platform;

/* Asks iotctl, which blocks, and fills t->ids: those that were named, or all that are active. */
int platform_ask(struct act *t, struct err *err);
/* What this device does (t->profile if the platform does not say), and its broker. */
const struct profile *platform_profile(const struct act *t, const char *id);
/* The broker of a profile, for options that name none. */
void platform_login(const struct act *t, const struct profile *p, struct session_opts *o);
/* The same for devices of one broker. */
const void *platform_broker(const struct act *t, const struct profile *profile);
/* Asks again each --refresh, and lets devices do what is new. */
void platform_watch(struct act *t);
/* Accepts NULL. */
void platform_free(struct platform *p);

#endif
