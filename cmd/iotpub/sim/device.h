/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_DEVICE_H
#define IOTPUB_SIM_DEVICE_H

#include "model/credentials.h"
#include "model/topic_set.h"
#include "mqtt/session.h"
#include "exec/responder.h"
#include "iotpub/iotpub.h"
#include "iotpub/sim/counts.h"
#include "iotpub/sim/listener.h"
#include "iotpub/sim/reading.h"
#include "iotpub/sim/reconnect.h"

/*
 * One device of a run: its session, its status messages and their will, and its end. Its readings, its commands and
 * its reconnections are parts of it, which know of it what their events answer.
 *
 *	device_new            nothing is connected yet
 *	device_make_session   it has a session
 *	device_start          ... which connects                      -> connected, or failed
 *	device_finish         no more readings: what is on its way is acknowledged, then the status
 *	                      "disconnected" and DISCONNECT           -> over, or failed
 *
 * It is over after one event `failed` or `over`, and stays in memory. Everything is on the loop's thread;
 * nothing blocks.
 */
struct device;

/* Any may come from inside any function below but the questions. */
struct device_events {
	/* CONNACK accepted, and the status published; `first`: for the first time. */
	void (*connected)(void *arg, struct device *d, bool first);
	/* The connection was lost; it reconnects by itself. */
	void (*lost)(void *arg, const struct device *d, const struct err *why);
	/* With -c: the broker had ended its session meanwhile; `connected` follows. */
	void (*forgotten)(void *arg, const struct device *d, const struct err *why);
	/* It is over, because of this. */
	void (*failed)(void *arg, struct device *d, const struct err *why);
	/* It is over, as it was to be. */
	void (*over)(void *arg, struct device *d);
	/* A command, to be shown in `lines`, then device_acknowledge; spans live during the call. */
	void (*command)(void *arg, struct device *d, const struct msg *m);
	/* The id of the device behind it. */
	const char *(*other_id)(void *arg, const struct device *d);
};

/* What all devices obey. Complete before the first one starts; `fleet` may grow. */
struct device_config {
	const struct args *args;
	const struct session_opts *session;
	bool login_given; /* on the command line: -u, for all of them */
	const struct topic_set *topics;
	const struct credentials *credentials;
	size_t fleet; /* how many devices there are */
	struct reading_config reading; /* without its events */
	struct reconnect_config reconnect; /* only its loop and drain */
	struct listener_config listener; /* with --listen: only its loop and lines */
	const struct device_events *events;
	void *arg; /* of the events */
	struct counts *counts;
};

/* Gives the configuration the callbacks that are the device's own. Once, before the first device. */
void device_config_init(struct device_config *c);

/* Number `number` of the run, from 0. Keeps `config`, `id` and `profile`. NULL: an id, a topic or the
 * client id will not do. */
struct device *device_new(const struct device_config *config, size_t number, const char *id,
    const struct profile *profile, struct err *err);
/* Not from inside an event. Accepts NULL. */
void device_free(struct device *d);

/* Makes its session, and subscribes it to the commands with --listen. */
void device_make_session(struct device *d);
void device_start(struct device *d);
/* Ends when everything is acknowledged and the commands that it has taken are answered; it takes no others, so that
 * with -c the broker keeps them. `at_once`: does not wait for them. --drain at most for what is not acknowledged. */
void device_finish(struct device *d, bool at_once);
/* It is over, because of `why`, or (NULL) because it is not wanted. Not once it has started. */
void device_cancel(struct device *d, const struct err *why);
/* It is not wanted for now: it finishes, or never starts. False: it is over or finishes anyway. */
bool device_dismiss(struct device *d);
/* Its profile says something else now. */
void device_change(struct device *d);
/* Its profile names another broker now: it leaves the old one, and connects to that. */
void device_move(struct device *d);
/* Its commands wait at the broker, since nobody reads their lines, or come again. */
void device_pause_commands(struct device *d, bool paused);
/* Its commands so far are shown: the broker may forget them. */
void device_acknowledge(struct device *d);
/* A command of it was shown, and with a program run and answered: perhaps the last that it waits for to leave. */
void device_answered(struct device *d);

/* Questions. */
const char *device_id(const struct device *d);
const char *device_client_id(const struct device *d);
size_t device_number(const struct device *d);
const struct profile *device_profile(const struct device *d);
const char *device_status_topic(const struct device *d);
/* With --listen; and the way back. */
struct responder_device *device_commands(struct device *d);
struct device *device_of_commands(struct responder_device *commands);
bool device_has_session(const struct device *d);
bool device_is_started(const struct device *d);
bool device_was_connected(const struct device *d);
/* Its session while that is up, else NULL. */
const struct session *device_connection(const struct device *d);
bool device_said_goodbye(const struct device *d);
bool device_is_over(const struct device *d);
bool device_is_dismissed(const struct device *d);
/* It is over, and no command of it is being run: it may be freed. */
bool device_has_left(const struct device *d);
/* QoS 1 and 2 messages on their way. */
size_t device_unacknowledged(const struct device *d);

/* Its row of the credentials file; NULL: none. */
const struct credential *device_credential(const struct device *d);
/* Sets the options of its own connection: broker and login. *out points into what the device keeps. */
void device_set_login(const struct device *d, struct session_opts *out);

#endif
