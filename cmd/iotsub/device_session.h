/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_DEVICE_SESSION_H
#define IOTSUB_DEVICE_SESSION_H

#include "base/strv.h"
#include "model/topic.h"
#include "loop/writer.h"
#include "mqtt/session.h"

/* Devices whose commands are run and answered (--exec, --reply), each on a session of its own. A command
 * is acknowledged when it and those of the device before it were answered. A reader of the commands' lines
 * that stalls makes the commands wait, not the devices. All on the loop's thread. */
struct device_sessions;

struct device_session_opts {
	const struct strv *exec;       /* the program and its arguments; empty: none */
	const char *reply;             /* NULL: none */
	int64_t timeout;               /* ms, of `exec` */
	size_t jobs;                   /* how many run at once */
	const struct topic *responses; /* the template of the devices' topics for answers */
	int qos;                       /* of the commands */
	struct writer *lines;          /* where a command is shown before it is run */
};

/* What is to become of a command. */
enum device_session_verdict {
	DEVICE_SESSION_RUN,  /* as soon as its line is out */
	DEVICE_SESSION_SKIP, /* it is acknowledged and not run */
	DEVICE_SESSION_KEEP  /* it stays with the broker */
};

struct device_session_events {
	/* A command has come; spans live during the call. One that is to be run appends its line. */
	enum device_session_verdict (*command)(void *arg, const struct msg *m, struct buf *line);
	/* The line of a command is out, and next it is run. device_session_stop may come from inside. */
	void (*shown)(void *arg);
	/* The line of a command could not be written (ERR_OUTPUT): it is not run. */
	void (*unwritten)(void *arg, const struct err *why);
	/* A device is over: why->code 0, as it was to be. */
	void (*ended)(void *arg, const struct err *why);
};

/* Keeps what `opts` points to. Release *out also after an error. */
int device_session_new(struct device_sessions **out, struct loop *loop,
    const struct device_session_opts *opts, const struct device_session_events *events, void *arg,
    struct err *err);
/* One device more, before device_session_start. `filter` is subscribed to for its commands. */
int device_session_add(struct device_sessions *s, const struct session_opts *opts,
    const char *device, const char *filter, struct err *err);
/* How many devices were added. `s` may be NULL. */
size_t device_session_count(const struct device_sessions *s);
/* How often the broker had ended the session of one while it was away; each was told. `s` may be NULL. */
size_t device_session_sessions_lost(const struct device_sessions *s);
/* The broker of one that is not connected now, and not over; NULL: there is none. `s` may be NULL. */
const char *device_session_broker_away(const struct device_sessions *s);
/* Connects them all. Accepts NULL. */
void device_session_start(struct device_sessions *s);
/* Takes no more commands; each device ends by itself, with `ended`, when its last answer is out. Accepts
 * NULL. */
void device_session_stop(struct device_sessions *s);
/* Likewise, but waits for no command: each ends when what was answered until now is acknowledged, or `timeout` ms
 * pass. Accepts NULL. */
void device_session_leave(struct device_sessions *s, int64_t timeout);
/* Whether commands wait, since their lines are not read. `s` may be NULL. */
bool device_session_is_stalled(const struct device_sessions *s);
/* Kills what runs. Accepts NULL. */
void device_session_free(struct device_sessions *s);

#endif
