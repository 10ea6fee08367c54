/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_RESPONDER_H
#define EXEC_RESPONDER_H

#include "base/strv.h"
#include "msg/message.h"
#include "mqtt/session.h"
#include "exec/exec_pool.h"

/*
 * Carries out the commands that devices get: each is run, or gets a fixed reply. One that is a JSON
 * object with an `id` is answered, on its MQTT 5 response topic or else the device's own. The answers of
 * the last RESPONDER_REMEMBERS such commands are kept: one that comes again with the same id is not run
 * again, its answer is published again. All on the loop's thread; nothing blocks.
 */
struct responder;

enum { RESPONDER_REMEMBERS = 1000 };

struct responder_opts {
	const struct strv *exec; /* the program, as exec_pool_opts has it; empty: none */
	const char *reply; /* JSON, the result of every command; NULL: none */
	int64_t timeout;   /* ms */
	size_t jobs;
};

/* A device and its connection, embedded in its owner, who sets the first three; the rest is ours. */
struct responder_device {
	const char *id;
	const char *responses;    /* its own topic for answers */
	struct session **session; /* the owner's; NULL there: it is gone */
	size_t handling; /* commands of it that are being run; the owner may read it */
	bool held;       /* by responder_hold */
	bool paused;     /* until a job is free */
	struct responder_device *next; /* of those that are paused */
};

/* `handled` is told when a command of the device was run and answered. Without a program `reply` must be
 * JSON (ERR_USAGE); *out is to be freed in any case. */
int responder_new(struct responder **out, struct loop *loop,
    const struct responder_opts *opts,
    void (*handled)(void *arg, struct responder_device *d), void *arg, struct err *err);
/* Runs or answers it. While all jobs are busy the device's session reads no more: the broker keeps what
 * comes. */
void responder_take(
    struct responder *r, struct responder_device *d, const struct msg *m);
/* While held, the device's session reads no more, though jobs may be free. */
void responder_hold(struct responder_device *d, bool held);
/* Runs nothing; the answer, if one is wanted, is that the device is leaving. */
void responder_refuse(
    struct responder *r, struct responder_device *d, const struct msg *m);
/* Kills what runs, and tells nobody. Accepts NULL. */
void responder_free(struct responder *r);

#endif
