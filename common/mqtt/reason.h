/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_REASON_H
#define MQTT_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The reason codes of MQTT 5 (2.4, Table 2-6), by their names there, and the five CONNACK return codes of
 * MQTT 3.1.1 (3.2.2.3). A code means different things in different packets: what it means to a person, and
 * whether asking again can help, is looked up with the packet that brought it.
 */
enum reason {
	REASON_SUCCESS = 0x00,
	/* MQTT 3.1.1's CONNACK */
	REASON_V3_UNACCEPTABLE_VERSION = 1,
	REASON_V3_IDENTIFIER_REJECTED = 2,
	REASON_V3_SERVER_UNAVAILABLE = 3,
	REASON_V3_BAD_LOGIN = 4,
	REASON_V3_NOT_AUTHORIZED = 5,
	/* MQTT 5 */
	REASON_NO_MATCHING_SUBSCRIBERS = 0x10,
	REASON_UNSPECIFIED_ERROR = 0x80, /* in MQTT 3.1.1's SUBACK: failure (3.9.3) */
	REASON_MALFORMED_PACKET = 0x81,
	REASON_PROTOCOL_ERROR = 0x82,
	REASON_IMPLEMENTATION_SPECIFIC = 0x83,
	REASON_UNSUPPORTED_VERSION = 0x84,
	REASON_IDENTIFIER_NOT_VALID = 0x85,
	REASON_BAD_LOGIN = 0x86,
	REASON_NOT_AUTHORIZED = 0x87,
	REASON_SERVER_UNAVAILABLE = 0x88,
	REASON_SERVER_BUSY = 0x89,
	REASON_BANNED = 0x8A,
	REASON_SERVER_SHUTTING_DOWN = 0x8B,
	REASON_BAD_AUTHENTICATION_METHOD = 0x8C,
	REASON_KEEP_ALIVE_TIMEOUT = 0x8D,
	REASON_SESSION_TAKEN_OVER = 0x8E,
	REASON_TOPIC_FILTER_INVALID = 0x8F,
	REASON_TOPIC_NAME_INVALID = 0x90,
	REASON_IDENTIFIER_IN_USE = 0x91,
	REASON_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
	REASON_TOPIC_ALIAS_INVALID = 0x94,
	REASON_PACKET_TOO_LARGE = 0x95,
	REASON_MESSAGE_RATE_TOO_HIGH = 0x96,
	REASON_QUOTA_EXCEEDED = 0x97,
	REASON_ADMINISTRATIVE_ACTION = 0x98,
	REASON_PAYLOAD_FORMAT_INVALID = 0x99,
	REASON_RETAIN_NOT_SUPPORTED = 0x9A,
	REASON_QOS_NOT_SUPPORTED = 0x9B,
	REASON_USE_ANOTHER_SERVER = 0x9C,
	REASON_SERVER_MOVED = 0x9D,
	REASON_NO_SHARED_SUBSCRIPTIONS = 0x9E,
	REASON_CONNECTION_RATE_EXCEEDED = 0x9F,
	REASON_MAXIMUM_CONNECT_TIME = 0xA0,
	REASON_NO_SUBSCRIPTION_IDENTIFIERS = 0xA1,
	REASON_NO_WILDCARDS = 0xA2,
};

/* The packet that brings it. */
enum reason_packet {
	REASON_IN_CONNACK,
	REASON_IN_SUBACK,
	REASON_IN_PUBACK, /* and PUBREC */
	REASON_IN_DISCONNECT,
};

/* 0x80 and greater are failures (2.4). */
static inline bool
reason_is_failure(int code)
{
	return code >= 0x80;
}

/* What it means, for people and translated; NULL: success, or no specification knows it. */
const char *reason_text(enum reason_packet packet, int code);
/* Sets what the broker says, for people and as an exit status: a clause that "broker 'X' ...: " goes in
 * front of (err_in); "reason 200" if no specification knows the code. *final (may be NULL): asking again
 * cannot help. Always returns -1. */
int reason_err(struct err *err, enum reason_packet packet, int code, bool *final);
/* The whole sentence for Session Present 0 (3.2.2.1.1) where an earlier connection had left a session with the
 * broker: away since `from`, until `until` (us since 1970). Always returns -1. */
int reason_err_session_lost(struct err *err, const char *client_id, int64_t from, int64_t until);
/* What that was over a whole run: the exit status of a program that nothing else ended. Always returns -1. */
int reason_err_sessions_lost(struct err *err, uint64_t n);
/* The time of -W is over, after `wait` ms and `messages`: ERR_TIMEOUT. `away`: the broker that there is no connection to
 * now, NULL: there is one. Always returns -1. */
int reason_err_time_up(struct err *err, int64_t wait, const char *away, uint64_t messages);
/* The whole sentence for a filter that a SUBACK refuses. Always returns -1. */
int reason_err_subscription(struct err *err, const char *filter, int code);

#endif
