/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONSUMER_INT_H
#define MQTT_CONSUMER_INT_H

#include "loop/busy_poll.h"
#include "mqtt/conn.h"
#include "mqtt/consumer.h"
#include "mqtt/receiver.h"
#include "mqtt/window.h"

/* What the parts of a consumer share; for consume*.c only. */

/* The session connects and comes back. In between the socket is ours: here it is read and written, the
 * intake takes its bytes apart and makes the answers. */
struct consumer {
	struct loop *loop;
	struct session *session;
	struct consumer_events events;
	void *arg;
	struct receiver *intake;
	struct conn link;
	struct loop_fd watch;
	struct loop_timer soon, alive, giving_up, answer, hold;
	struct busy_poll spin;
	struct window window;
	int receive_maximum;
	bool held; /* told */
	bool linked;
	bool pumping;
	bool fresh; /* messages since the last `dry` */
	bool stopping;
	int version;
	int64_t keepalive, heard; /* ms */
	int64_t patience, asked;  /* ms for a SUBACK; since when we listen for it */
	struct filter {
		char *text;
		int qos, retain_handling;
		bool unsubscribe;
		bool
		    answered; /* not asked for again until the broker forgets the session */
		bool refused;
	} * filters;
	size_t count;
	bool ready;
	struct err refusal;
};

/* consumer.c */

/* Goes on outside of the caller. */
void consumer_pump_soon(struct consumer *c);
/* The connection is over because of `why`. */
void consumer_give_up(struct consumer *c, const struct err *why);

/* consumer.c: pings, and how long the broker may be silent or owe a SUBACK. From a new connection on. */
void consumer_watch(struct consumer *c);

/* consumer_subscribe.c: its filters. */

/* Copies them, each once. */
int consumer_add_filters(struct consumer *c, const struct consumer_filter *filters, size_t count,
    struct err *err);
/* Asks for those that were not answered yet; for all if the broker forgot the session. */
void consumer_subscribe(struct consumer *c, bool forgotten);
/* Whether a SUBACK is missing. */
bool consumer_is_asking(const struct consumer *c);
/* A SUBACK. */
void consumer_answered(void *arg, uint16_t mid, uint8_t reason);

#endif
