/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_LISTENER_H
#define IOTPUB_SIM_LISTENER_H

#include "exec/command_lines.h"
#include "exec/responder.h"
#include "loop/loop.h"
#include "model/topic_set.h"
#include "mqtt/session.h"

/*
 * What a device with --listen does with its commands: it subscribes to them, takes one after the other, and
 * acknowledges each when it is shown (see sim/commands.h). When it leaves it takes no more. Those that it has taken
 * are still shown, run and answered; but while nobody reads their lines, those that are not shown are left out, and
 * counted: its goodbye must not wait for a reader that stalls. With -c none is, since the broker keeps them.
 * On the loop's thread; nothing blocks. Without a listener (NULL) there are no commands: all but listener_new and the
 * accessors accept that.
 */
struct listener;

/* What those of all devices obey. */
struct listener_config {
	struct loop *loop;
	struct command_lines *lines;
	bool keep_session; /* -c */
	size_t *left_out;  /* counts those that are */
	/* A command, to be put into `lines`, then listener_acknowledge; spans live during the call. */
	void (*command)(void *owner, const struct msg *m);
};

/* Its topics are made of `topics` and `id`. Keeps `config`, `id` and `session`, which is the owner's: NULL there while
 * it has none. NULL: err, a topic will not do. */
struct listener *listener_new(const struct listener_config *config,
    const struct topic_set *topics, const char *id, struct session **session, void *owner,
    struct err *err);
void listener_free(struct listener *l);

/* What its session has to be made with. */
void listener_set_opts(const struct listener *l, struct session_opts *o);
/* The session is made, and not started: subscribes. */
void listener_subscribe(struct listener *l);
/* The subscription may not be; what `listener_explain` tells then. */
void listener_denied(struct listener *l, const struct err *why);
/* Sets *why if it was denied. */
void listener_explain(const struct listener *l, struct err *why);
/* The session has a message. */
void listener_take(struct listener *l, const struct msg *m);
/* Nobody reads the lines, or somebody does again. */
void listener_pause(struct listener *l, bool paused);
/* It takes no more from now on. */
void listener_leave(struct listener *l);
/* The commands so far are shown: the broker may forget them, unless this device leaves and still runs some. */
void listener_acknowledge(struct listener *l);
/* The last word is next: what is owed goes before it. */
void listener_settle(struct listener *l);
/* Calls fn(owner) when the commands are taken that the session has at hand (libmosquitto 2.1 reads ahead): not from
 * inside of its reading. */
void listener_defer(struct listener *l, void (*fn)(void *owner));
/* The session has ended by itself: counts what it did not take. listener_drop comes next. */
void listener_ended(struct listener *l);
/* The session is gone: its commands are of no use any more. */
void listener_drop(struct listener *l);

/* Whether a command is being run and answered. */
bool listener_is_running(const struct listener *l);
/* Whether one is not shown, and so not acknowledged yet. */
bool listener_is_showing(const struct listener *l);
/* Whether commands that it took are still to be shown, run or answered. Nobody waits for a reader that stalls. */
bool listener_is_busy(const struct listener *l);

/* As the responder knows it; and the way back. */
struct responder_device *listener_responder(struct listener *l);
void *listener_owner(struct responder_device *r);

#endif
