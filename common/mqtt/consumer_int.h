/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONSUMER_INT_H
#define MQTT_CONSUMER_INT_H

#include "loop/busy_poll.h"
#include "mqtt/conn.h"
#include "mqtt/consumer.h"
#include "mqtt/packet_log.h"
#include "mqtt/receiver.h"
#include "mqtt/window.h"

/*
 * What the parts of a consumer share; for consumer*.c only.
 *
 *	consumer.c            the socket, pings, silence
 *	consumer_subscribe.c  the filters: SUBSCRIBE and what the broker answers
 *
 * The session connects and comes back. In between the socket is ours: here it is read and written, the receiver
 * takes its bytes apart and makes the answers.
 */
struct consumer {
	struct loop *loop;
	struct session *session;
	struct consumer_events events;
	void *arg;
	struct receiver *receiver;
	struct conn conn;
	struct packet_log *log; /* of the connection; NULL: nobody wants to see its packets */
	struct loop_fd watch;
	struct loop_timer soon, alive, giving_up, answer, hold;
	struct busy_poll spin;
	struct window window;
	int receive_maximum;
	bool told_held;
	bool connected;
	bool pumping;
	bool fresh; /* messages since `drained` was told last */
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

/* consumer_subscribe.c */

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
