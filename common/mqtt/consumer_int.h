/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONSUMER_INT_H
#define MQTT_CONSUMER_INT_H

#include "loop/busy_poll.h"
#include "tls/conn.h"
#include "mqtt/connect/connector.h"
#include "mqtt/consumer.h"
#include "mqtt/packet_log.h"
#include "mqtt/receiver.h"
#include "mqtt/topic_alias.h"
#include "mqtt/window.h"

/*
 * What the parts of a consumer share; for consumer*.c only.
 *
 *	consumer.c            the socket while it is up, pings, silence
 *	consumer_connect.c    the socket before: dialing, TLS, CONNECT and CONNACK
 *	consumer_subscribe.c  the filters: SUBSCRIBE and what the broker answers
 *
 * A connector says when to connect and comes back; the receiver takes the bytes apart and makes the answers.
 */
struct filter {
	char *text;
	int qos, retain_handling;
	bool unsubscribe;
	bool answered; /* not asked for again until the broker forgets the session */
	bool refused;
	size_t tries; /* with a Packet Identifier that was in use (0x91) */
};

struct consumer {
	struct loop *loop;
	struct connector link;
	struct packet_connect connect; /* its strings are ours, but for the id */
	struct consumer_events events;
	void *arg;
	struct receiver *receiver;
	struct conn conn;
	struct packet_log *log; /* of the connection; NULL: nobody wants to see its packets */
	struct loop_timer soon, alive, giving_up, answer, hold, share;
	struct busy_poll spin;
	struct window window;
	int receive_maximum;
	uint32_t max_packet;
	bool told_held;
	bool greeted; /* CONNECT is made for this connection */
	bool trying;     /* whether the broker speaks MQTT 3.1.1, by this CONNECT */
	bool no_aliases; /* the broker cannot do them right */
	bool told_share, told_retain, told_id, told_expiry, told_part;
	size_t retained; /* messages in answer to SUBSCRIBE, on this connection, as far as they were counted */
	bool pumping;
	bool fresh; /* messages since `drained` was told last */
	bool stopping;
	bool leaving; /* and waits for no consumer_ack */
	int64_t keepalive, heard; /* ms */
	int64_t patience, asked;  /* ms for a SUBACK; since when we listen for it */
	struct filter *filters;
	size_t count;
	unsigned asked_at; /* which broker answered them */
	bool ready;
	struct err refusal;
};

/* consumer.c */

static inline bool
consumer_is_up(const struct consumer *c)
{
	return c->link.state == CONNECTOR_UP;
}
/* The socket failed with this errno, 0: it was closed. */
void consumer_lose(struct consumer *c, int number);
/* The broker is told, as far as the socket takes it, and left. */
void consumer_end_by_fault(struct consumer *c, enum packet_fault fault);
/* Whether something was to be written, and all of it was; the connection may be lost afterwards. */
bool consumer_write(struct consumer *c);

/* consumer_connect.c */

/* Takes login, will and properties; err: they cannot be. */
int consumer_connect_open(struct consumer *c, const struct session_opts *o, struct err *err);
/* Closes the socket, too. */
void consumer_connect_close(struct consumer *c);
/* As struct connector_ops' dial and downgrade. */
int consumer_dial(void *arg, const char *peer);
bool consumer_downgrade(void *arg);
/* The socket is ready, and CONNACK is not there. */
void consumer_shake(struct consumer *c);

/* consumer_subscribe.c */

/* Copies them, each once, into c->filters, which are not freed; -1: as they were. */
int consumer_add_filters(struct consumer *c, const struct consumer_filter *filters, size_t count,
    struct err *err);
/* EMQX and mosquitto 2.1 send a message once for each filter (3.3.4 allows it). */
void consumer_warn_of_overlap(const struct consumer *c);
/* Asks for those that were not answered yet, and that the broker has; for all if it forgot the session, or is another
 * than the one that answered: a session of before has the filters of before. */
void consumer_subscribe(struct consumer *c, bool forgotten);
/* Answers the others itself. */
void consumer_answer_excluded(struct consumer *c);
/* The filters of `old` that are the same now are not asked for again, the others of them are given up. Frees it. */
void consumer_replace_filters(struct consumer *c, struct filter *old, size_t count);
void consumer_free_filters(struct filter *filters, size_t count);
/* A filter of a shared subscription (4.8.2), or NULL. */
const char *consumer_share(const struct consumer *c);
/* Whether one of these messages may have come by it. */
bool consumer_share_brought(const struct consumer *c, const struct msg *m, size_t n);
/* Whether a SUBACK is missing. */
bool consumer_is_asking(const struct consumer *c);
/* A SUBACK. */
void consumer_answered(void *arg, uint16_t mid, uint8_t reason);

#endif
