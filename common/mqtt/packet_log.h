/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_PACKET_LOG_H
#define MQTT_PACKET_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "mqtt/packet.h"

/*
 * One line on standard error for each MQTT Control Packet, for --verbose twice:
 *
 *	mqtt > PUBLISH client='iotpub-1' id=3 qos=1 topic='iot/sensors/RPI_001/data' payload=57
 *	mqtt < PUBACK client='iotpub-1' id=3 reason=135 (not allowed to publish there)
 *
 * ">" leaves for the broker, "<" comes from it. Topics and client ids are cut, bytes are counted; there is never
 * a payload, a will, a user name, a password or a property in it. Sections are MQTT 5's.
 *
 * Packets come here in three forms: as a connection's bytes (a consumer's), as whole packets (those that a
 * session writes past libmosquitto), and as what libmosquitto tells of the others, by its callbacks: not of
 * PUBREC without a failure, PUBREL, PINGRESP, acknowledgements of ours, nor of what it sends again.
 */
enum packet_way { PACKET_IN, PACKET_OUT };

/* Whether any is shown. */
static inline bool
packet_log_is_on(void)
{
	return log_level() >= LOG_DEBUG;
}

/* The bytes of one connection, from its CONNECT on, in pieces of any size. */
struct packet_log;

/* NULL while none is shown. Copies `client`, the client id, and `broker`, which is shown with CONNECT. */
struct packet_log *packet_log_new(const char *client, const char *broker, int version);
/* Accepts NULL. */
void packet_log_free(struct packet_log *l);
void packet_log_add(struct packet_log *l, enum packet_way way, const char *p, size_t n);
/* `n` bytes were read or written; nothing for l == NULL. */
static inline void
packet_log_bytes(struct packet_log *l, enum packet_way way, const char *p, size_t n)
{
	if (l != NULL)
		packet_log_add(l, way, p, n);
}

void packet_log_whole(const char *client, int version, const char *p, size_t n);
/* A packet that was sent; nothing while none is shown. */
static inline void
packet_log_sent(const char *client, int version, const char *p, size_t n)
{
	if (packet_log_is_on())
		packet_log_whole(client, version, p, n);
}

/* These show nothing either while none is shown. */

/* What is shown of a CONNECT (3.1), of its login and will only whether it has one. */
struct packet_log_login {
	const char *broker;
	int version, keepalive;
	bool clean, username, password, will;
};
void packet_log_connect(const char *client, const struct packet_log_login *login);
void packet_log_connack(const char *client, bool session_present, int reason);
void packet_log_suback(const char *client, int mid, int count, const int *reasons);
void packet_log_subscribe(const char *client, int mid, const char *filter, int options);
/* A PUBLISH: m->size is the payload's. */
void packet_log_message(const char *client, enum packet_way way, const struct msg *m);
/* PUBACK, PUBREC, PUBCOMP, DISCONNECT from the broker; mid 0: none. */
void packet_log_answer(const char *client, enum packet_type type, int mid, int reason);

#endif
