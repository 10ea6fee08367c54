/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_CONSUMEPART_H
#define NET_CONSUMEPART_H

#include "mqtt/consumer.h"
#include "mqtt/receiver.h"
#include "mqtt/conn.h"
#include "loop/busy_poll.h"
#include "mqtt/window.h"

/* What the parts of a consumer share; for consume*.c only. */

/* The session connects and comes back. In between the socket is ours: here it is read and written, the
 * intake takes its bytes apart and makes the answers. */
struct consume {
	struct loop *loop;
	struct session *session;
	struct consume_events events;
	void *arg;
	struct intake *intake;
	struct link link;
	struct loop_fd watch;
	struct loop_timer soon, alive, giving_up, answer, hold;
	struct spin spin;
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
void consume_pump_soon(struct consume *c);
/* The connection is over because of `why`. */
void consume_give_up(struct consume *c, const struct err *why);

/* consumer_watch.c: pings, and how long the broker may be silent or owe a SUBACK. From a new connection on. */
void consume_watch(struct consume *c);

/* consumer_subscribe.c: its filters. */

/* Copies them, each once. */
int consume_add_filters(struct consume *c, const struct consume_filter *filters, size_t count,
    struct err *err);
/* Asks for those that were not answered yet; for all if the broker forgot the session. */
void consume_subscribe(struct consume *c, bool forgotten);
/* Whether a SUBACK is missing. */
bool consume_is_asking(const struct consume *c);
/* A SUBACK. */
void consume_answered(void *arg, uint16_t mid, uint8_t reason);

#endif
