/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_RESPONDER_H
#define EXEC_RESPONDER_H

#include "base/strv.h"
#include "msg/message.h"
#include "mqtt/session.h"
#include "exec/exec_pool.h"

/*
 * Devices that obey: each command is run, or gets a fixed reply; one that is a JSON object with an `id` is
 * answered, on its MQTT 5 response topic or the device's own. The answers of the last
 * RESPONDER_REMEMBERS such commands are kept: a command that comes again with the same id is not run
 * again, its answer is published again.
 */
struct responder;

enum { RESPONDER_REMEMBERS = 1000 };

struct responder_opts {
	const struct strv *exec; /* the program, as exec_pool_opts has it; empty: none */
	const char *reply; /* JSON, the result of every command; NULL: none */
	int64_t timeout;   /* ms */
	size_t jobs;
};

/* A device and its connection, embedded in its owner, who sets these three. */
struct responder_device {
	const char *id;
	const char *responses;    /* its own topic for answers */
	struct session **session; /* the owner's; NULL there: it is gone */
	size_t handling;          /* commands of it that are being run */
	bool held; /* the owner wants no more of it now: it reads no more, whatever is free */
	bool paused;
	struct responder_device *next; /* of those that are paused */
};

/* `handled` is told when a command of the device was run and answered. */
int responder_new(struct responder **out, struct loop *loop,
    const struct responder_opts *opts,
    void (*handled)(void *arg, struct responder_device *d), void *arg, struct err *err);
/* Runs or answers it. While all jobs are taken the device's session reads no more: the broker keeps what
 * comes. */
void responder_take(
    struct responder *r, struct responder_device *d, const struct msg *m);
/* Sets `held`. */
void responder_hold(struct responder_device *d, bool held);
/* Answers, if it is to be answered, that the device is leaving. */
void responder_refuse(
    struct responder *r, struct responder_device *d, const struct msg *m);
/* Kills what runs, and tells nobody. Accepts NULL. */
void responder_free(struct responder *r);

#endif
