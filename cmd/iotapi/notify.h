/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_NOTIFY_H
#define IOTAPI_NOTIFY_H

#include "base/err.h"
#include "loop/loop.h"

/*
 * What a service manager is told, by the protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names.
 * Without one nothing is told. For one thread.
 */
struct notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that children have none of them. NULL:
 * ERR_USAGE, the socket's name is none, or ERR_FAILED. Only before other threads are started. */
struct notify *notify_new(struct err *err);
/* Accepts NULL. */
void notify_free(struct notify *n);

/* "READY=1" and the like, lines with newlines between them. What cannot be sent is left out: nobody listens. */
void notify_tell(struct notify *n, const char *state);
/* Where a watchdog is wanted: from now on ask(arg) is called at half of its time; it has notify_alive called, on the
 * loop, once it has seen that all that should work does. */
void notify_watch(struct notify *n, struct loop *loop, void (*ask)(void *arg), void *arg);
void notify_unwatch(struct notify *n);
void notify_alive(struct notify *n);

#endif
