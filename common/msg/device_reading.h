/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MSG_DEVICE_READING_H
#define MSG_DEVICE_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * The values of a payload. It is one of the platform's two: {"device_id":X,"sensors":{...},"timestamp":T}, or
 * the flat one of the ESP32, where every member but device_id and timestamp is a sensor; or a list of such
 * payloads; or a bare value, where the topic names the sensor. `sensors` may be a list as well: an item that has
 * a `name` and a `value` is read by that name. Names of nested values are joined by dots, items of lists have
 * their number; an empty list or object is a value of its own.
 *
 * No global state; nothing blocks; takes time in proportion to the payload.
 */

/* What is beyond these is rejected and told. */
enum {
	READING_PAYLOADS = 256,       /* of a message */
	READING_VALUES = 256,         /* of a payload */
	READING_NAME = 256,           /* bytes of a sensor's name, of a claimed device_id */
	READING_TIMESTAMP = 64,       /* bytes of one, which is a number, a text or a word */
	READING_WRONG = 16 << 10,     /* bytes of the names of wrong values that are told; counted are all */
	READING_LINES = 16 << 20,     /* bytes that a message's readings become */
};

/* What members are for, where they have other names than the guide's; such members are no sensors. The names
 * are those that their readings would have, or the path from the payload's top. The zero value is the guide's. */
struct reading_keys {
	struct strv time, device; /* the first that is there counts, before timestamp and device_id */
	struct strv skip;         /* and all below them */
};

static inline bool
device_reading_keys_any(const struct reading_keys *k)
{
	return k->time.n + k->device.n + k->skip.n != 0;
}

/* Rows of the option table. Needs "cli/opt.h". */
#define OPT_READINGS(T, m, ...)                                                          \
	OPT_LIST(T, m.time, 0, "time-key", "NAME",                                       \
	    N_("readings: the member that is the device's time, as in params.ts"),       \
	    .key = "time_key", .value = "timestamp", .flags = OPT_COMMAS, __VA_ARGS__),               \
	    OPT_LIST(T, m.device, 0, "device-key", "NAME",                               \
		N_("readings: the member that is the device's id, as in deviceInfo.devEui"), \
		.key = "device_key", .value = "device_id", .flags = OPT_COMMAS, __VA_ARGS__),         \
	    OPT_LIST(T, m.skip, 0, "skip-key", "NAME",                                   \
		N_("readings: a member that is no measurement"), .key = "skip_key",      \
		.flags = OPT_COMMAS, __VA_ARGS__)

struct reading_source {
	struct span payload;
	struct span device_id;   /* the topic's; p == NULL: it has none */
	struct span sensor_type; /* the topic's, which names a bare value; p == NULL: it has none */
	const struct reading_keys *keys; /* NULL: the guide's */
};

struct reading {
	struct span sensor;    /* unescaped, UTF-8 without NUL */
	struct span value;     /* JSON as sent, but a word that was no JSON is a string */
	struct span timestamp; /* JSON as sent; p == NULL: there is none */
	struct span device_id; /* the topic's, else what the payload claims, unescaped; p == NULL: neither */
	bool id_mismatch;      /* the payload claims another device than the topic */
	size_t payload;        /* which one of the message it is of, from 0 */
};

/* What became of a message. The zero value is ready, and may be used again and again. */
struct reading_report {
	size_t count;      /* readings that were taken */
	const char *error; /* the word of message_reject_words of the first value that was not; NULL: all were */
	struct buf wrong;  /* the names of these, JSON strings with commas between; of those beyond READING_VALUES the first, and up to
		    * READING_WRONG bytes */
	bool by_value;     /* a name came from a value: the next payload of this form may have others */
};
void device_reading_release(struct reading_report *r);

/* Calls `fn` for each value in the payload's order; spans last for the call. It returns false for a reading that
 * it cannot take, which is then wrong ("range"). Returns NULL when one was taken, or else the word of
 * message_reject_words for all of the message; `report` tells the rest. */
const char *device_reading_each(const struct reading_source *from,
    bool (*fn)(void *arg, const struct reading *r), void *arg, struct reading_report *report);

/* Whether a payload's device_id (JSON, p == NULL: absent) is another than the topic's (p == NULL: it has none). A
 * null claims nothing, a number is its own bytes, what else is no string is another one. */
bool device_reading_claim_differs(struct span claim, struct span device_id);

#endif
