/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What message lines, reading lines and answers share. */
#ifndef MSG_MESSAGE_INT_H
#define MSG_MESSAGE_INT_H

#include "base/ascii.h"
#include "base/emit.h"
#include "base/json.h"
#include "base/json_shape.h"
#include "model/topic_set.h"
#include "msg/device_reading.h"
#include "msg/message.h"

/* Appends a literal, whose size the compiler knows: it makes no call of memcpy of it. */
#define PUT(out, literal) message_put_known((out), (literal), sizeof(literal) - 1)
static inline void
message_put_known(struct buf *out, const char *s, size_t n)
{
	memcpy(buf_reserve(out, n), s, n);
	out->n += n;
}

/* json_put_string for what is plain nearly always: names and topics. */
static inline void
message_put_string(struct buf *out, struct span s)
{
	char *to;

	if (!ascii_plain_all((const unsigned char *)s.p, s.n)) {
		json_put_string(out, s);
		return;
	}
	to = buf_reserve(out, s.n + 2);
	*to = '"';
	to = emit_span(to + 1, s);
	*to = '"';
	out->n += s.n + 2;
}

/* What a payload is: one JSON text, other UTF-8 without NUL, or bytes. */
struct message_payload {
	enum { MESSAGE_JSON, MESSAGE_TEXT, MESSAGE_BINARY } kind;
	struct span value; /* JSON: without the white space around it */
	size_t blanks;     /* JSON: insignificant white space inside */
	struct span claim; /* JSON: the first member device_id; else p == NULL */
	size_t claims;     /* how many there are */
	bool escapes;      /* JSON: strings have some */
};
void message_read_payload(struct message_payload *p, struct span payload);
/* The same, and JSON has no white space inside: it stands in `compact` when it had some. */
void message_read_compact(
    struct message_payload *p, const struct msg *m, struct buf *compact);
/* The shape of a payload that is known, JSON without escapes and without white space around it: the last few of
 * them, kept for each thread. */
enum { SHAPE_TEXT = 1024 };
struct message_shape {
	bool compact; /* without white space between tokens */
	/* Which of the values the members device_id and timestamp are; -1: none. */
	int claim, timestamp;
	/* Texts that are copied, places in `text`: what stands before each value and behind the last one, without
	 * white space. */
	struct shape_text {
		size_t at, n;
	} between[SHAPE_VALUES + 1];
	size_t values_n;
	/* Which of the values are readings, in order, and what stands before each in a reading line:
	 * "NAME","value":. None: it is no reading, or message_each_reading has to find out. */
	struct shape_reading {
		size_t value;
		struct shape_text before;
	} readings[SHAPE_VALUES];
	size_t readings_n;
	char text[SHAPE_TEXT];
};
/* The shape of a message's payload, and its values, of which there is room for SHAPE_VALUES; NULL: it may
 * be JSON or not. Looked at where it is, and so only when it is padded: in a copy of a moment ago every look
 * across two of the copy's stores waits for both (measured: a tenth of iotingest's time). */
const struct message_shape *message_find_shape(const struct msg *m, struct span *values);
/* For a payload that had none, JSON or not. */
void message_learn_shape(struct span payload);
/* Room for all of a line but names and payload. */
enum { LINE_ROOM = 256 };
static inline char *
message_write_head(char *p, int64_t received_us)
{
	return EMIT(emit_time(EMIT(p, "{\"received_at\":\""), received_us), "\"");
}
/* `,"qos":1,"retain":false,"mid":17`, and `,"dup":true` when it is. */
static inline char *
message_write_delivery(char *p, const struct msg *m)
{
	p = EMIT(p, ",\"qos\":");
	*p++ = (char)('0' + m->qos);
	p = m->retain ? EMIT(p, ",\"retain\":true") : EMIT(p, ",\"retain\":false");
	if (m->qos != 0)
		p = emit_u64(EMIT(p, ",\"mid\":"), m->mid);
	return m->dup ? EMIT(p, ",\"dup\":true") : p;
}
/* The variables of the first template that matches the topic; none: false, all absent. */
bool message_capture(const struct msg *m, const struct topic_set *topics, struct topic_vars *vars);
/* Whether a payload claims another device than its topic (p == NULL: no topic id). */
bool message_id_mismatch(const struct message_payload *p, struct span device_id);
/* What the readings of a message are taken from. */
struct reading_source message_reading_source(const struct msg *m, const struct topic_vars *vars,
    const struct reading_keys *keys);
/* Before a message's readings, and behind them. The end returns `error`, or the word for readings that claim
 * another device; of a message with an error it leaves nothing in `out` behind `from`. */
void message_begin_report(struct reading_report *report);
const char *message_end_report(struct reading_report *report, const char *error,
    bool claims_another, struct buf *out, size_t from);
/* The word why there is no line of this message, else NULL: m->reject, or a mismatch that strict topics
 * do not have. Reads the payload only for these. */
const char *message_refused(const struct msg *m, const struct topic_set *topics);

#endif
