/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MSG_MESSAGE_H
#define MSG_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/device_reading.h"

struct msg_number {
	bool given;
	uint32_t v;
};

/* An MQTT 5 property of a received PUBLISH that the platform's programs pass on. */
struct msg_props {
	struct span content_type;   /* p == NULL: absent, and so for all of them */
	struct span response_topic;
	struct span correlation;    /* bytes */
	const struct span *user;    /* name, value, name, value ... */
	size_t users;               /* pairs */
	struct msg_number topic_alias, expiry, payload_format, subscription;
};

/* A received message; all spans belong to who hands it out, for the time of the call. */
struct msg {
	struct span topic;
	struct span payload;
	struct msg_props props;
	int64_t received_us; /* wall clock, microseconds since 1970 */
	const char *reject;  /* NULL, or the word of message_reject_words for what cannot be taken:
				"topic" (no valid topic name), "size" (only the first bytes of the
				payload are here) */
	size_t size;         /* bytes of the whole payload */
	uint16_t mid;        /* 0 at QoS 0 */
	uint8_t qos;
	bool retain;
	bool dup;
	bool plain; /* the topic is known to have nothing that JSON escapes, and nothing but ASCII */
	bool padded; /* ASCII_PLAIN_PADDING bytes behind the payload can be read, whatever they are */
};

/* A copy with all that its spans point to, in one block (free). */
struct msg *message_copy(const struct msg *m);

/* The lines that iot-utils(7) describes under FORMATS: message, reading and reject lines. Each function appends
 * one line (readings: none or more) with its newline, always valid UTF-8 JSON. A payload that is JSON stands in it
 * byte for byte, but for white space between its tokens. */

/* A message line. device_id and sensor_type come from `topics` (the first that matches). Returns
 * NULL, or the word of message_reject_words why there is no line; then nothing is appended: "id" with
 * topics->strict, else only what m->reject says. */
const char *message_line(struct buf *out, const struct msg *m, const struct topic_set *topics);

/* The words of a reject line's `error`; NULL stands for none. */
extern const char *const message_reject_words[]; /* json utf8 topic shape range id size */

/* One reading line for each value that device_reading_each gives. Returns NULL, or the word of message_reject_words
 * when no value can be a reading, or with topics->strict when a payload claims another device ("id"): then nothing
 * is appended. `report` tells what is wrong even where there are lines. `keys` as in reading_source. */
const char *message_readings(struct buf *out, const struct msg *m, const struct topic_set *topics,
    const struct reading_keys *keys, struct reading_report *report);

/* A reject line; `wrong` are the names of a reading_report, n == 0: none. A topic that is no UTF-8 is there twice:
 * readable, with U+FFFD for each bad byte, and whole as topic_b64. With "size" the line has the whole payload's
 * `size` and what is here of the payload, its beginning, as payload_text or payload_b64. */
void message_reject(struct buf *out, const struct msg *m, const char *error, struct span wrong);

#endif
