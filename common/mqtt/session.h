/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_SESSION_H
#define MQTT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"
#include "msg/message.h"
#include "mqtt/session_opts.h"

/*
 * An MQTT client on the loop, over libmosquitto with mosquitto_threaded_set: nothing leaves before
 * the session writes it. Its connection lives as mqtt/connect/connector.h tells, until session_stop.
 */
struct session;

/* All called on the loop's thread, any may be NULL. Errors are ready to be shown: they name the
 * broker, the stage (DNS, TCP, TLS, CONNACK, SUBACK) and the reason. */
struct session_events {
	/* CONNACK accepted. */
	void (*up)(void *arg, bool session_present);
	/* Just before `up`: the broker had ended the session that an earlier connection of this one had kept
	 * (Session Present 0, and not clean); ready to be shown. */
	void (*forgotten)(void *arg, const struct err *why);
	/* The connection was lost; it reconnects by itself. Told once for each outage, and once more for each new
	 * reason why it cannot be made again. */
	void (*down)(void *arg, const struct err *why);
	/* It is over and will not come back: the first connect failed, the refusal is final, or
	 * (why->code 0) session_stop is complete. */
	void (*ended)(void *arg, const struct err *why);
	/* A message; spans live during the call. With hold_acks its acknowledgement waits. */
	void (*message)(void *arg, const struct msg *m);
	/* QoS 1/2: acknowledged by the broker; QoS 0: written. `reason` >= 128: refused, or, at
	 * QoS 0, lost with the connection. */
	void (*published)(void *arg, int id, int reason);
	/* Answer for one filter of one session_subscribe; why->code 0: granted `qos`. */
	void (*subscribed)(void *arg, const char *filter, int qos, const struct err *why);
};

/* Copies what it needs, but for the events, which stay as they are as long as it is. `opts->client_id` must have passed topic_check_id or be NULL. A lean session is
 * so only when no host is being looked up at the moment: a fleet makes its sessions before it starts
 * them. */
struct session *session_new(struct loop *loop, const struct session_opts *opts,
    const struct session_events *events, void *arg, struct err *err);
/* Starts connecting; failures come through `ended`. */
void session_start(struct session *s);
/* Finishes: what was published is acknowledged or `timeout` ms pass, DISCONNECT, then `ended`
 * with code 0 (or ERR_TIMEOUT when something stayed unacknowledged). With hold_acks messages that come meanwhile are
 * neither told nor acknowledged: a session that the broker keeps gets them again. */
void session_stop(struct session *s, int64_t timeout);
/* How many messages these were so far. */
size_t session_untaken(const struct session *s);
/* It will be stopped soon: while something is unacknowledged and the broker away, it connects at once, and tries
 * again about each second, without back-off. session_stop does the same. */
void session_hurry(struct session *s);
/* Drops everything now. Accepts NULL. Not from inside one of its own callbacks but `ended`. */
void session_free(struct session *s);

/* Whether CONNACK has come, and nothing has ended the connection since. */
bool session_is_up(const struct session *s);
/* The MQTT version of the connection that is up: 5 or 4. */
int session_version(const struct session *s);
/* "mqtt://host:port" or the like, for messages: of several the present one. Until the next call. */
const char *session_broker(struct session *s);
/* As consumer_broker, consumer_address and consumer_where (mqtt/consumer.h). */
const char *session_name(const struct session *s);
const char *session_address(const struct session *s);
struct broker_where session_where(const struct session *s);

/* Subscribes now if up, and again after each reconnect whose session is not present. */
int session_subscribe(struct session *s, const char *filter, int qos, bool no_local,
    struct err *err);

struct session_pub {
	const char *topic;
	struct span payload;
	int qos;
	bool retain;
	const struct msg_props *props; /* NULL: none; ignored on 3.1.1 */
};
/* Queues a publication. While offline QoS 1/2 are kept and sent after the reconnect, QoS 0 is
 * refused (ERR_UNREACHABLE). *id names it in `published`. */
int session_publish(struct session *s, const struct session_pub *p, int *id, struct err *err);
/* QoS 1/2 publications not yet acknowledged. */
size_t session_unacknowledged(const struct session *s);

/* Stops and resumes reading from the socket; pings go on. */
void session_pause(struct session *s, bool paused);
/* Stops and resumes reading at the next message (PUBLISH), which stays unread: pings and publications go on,
 * these until the broker's limit of unacknowledged ones when their acknowledgements are behind it. What
 * was begun to be read, and over TLS what is in the same record, still comes. */
void session_pause_messages(struct session *s, bool paused);
/* hold_acks: lets go of every acknowledgement held so far. The only moment they are written. From inside of
 * `message` they may wait for the next call. */
void session_release_acks(struct session *s);

#endif
