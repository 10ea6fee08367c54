/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LOOP_RESOLVE_H
#define LOOP_RESOLVE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "loop/loop.h"

/* A lookup of a host name in a thread of its own, since getaddrinfo blocks; one for all who ask for the
 * same host at the same time. */
struct resolve;

/* Starts looking up `host`; done(arg, addresses, why) is called once, later, on the loop: numeric
 * addresses in the order to try them, at least one, or none and why->code set. A numeric
 * address and a path of a unix socket are their own answer, without a thread. No time-out of its
 * own: cancel it. `addresses` is the callee's only during the call. */
struct resolve *resolve_start(struct loop *loop, const char *host,
    void (*done)(void *arg, const struct strv *addresses, const struct err *why), void *arg);

/* Forgets a lookup whose `done` has not been called yet; its thread ends when it can. Accepts NULL. */
void resolve_cancel(struct resolve *r);

/* How many threads are inside getaddrinfo now, those of cancelled lookups too: they open descriptors
 * and hold locks of the C library, of which a fork would keep a locked copy. */
int resolve_running(void);

#endif
