/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_VALUES_PAYLOAD_H
#define IOTPUB_VALUES_PAYLOAD_H

#include <stdint.h>

#include "iotpub/values/sensor.h"

/* The two shapes of the platform's guide, its Raspberry Pi's and its ESP32's, and one's own. */
enum payload_shape { PAYLOAD_NESTED, PAYLOAD_FLAT, PAYLOAD_TEMPLATE };

struct payload {
	enum payload_shape shape;
	struct buf text;            /* the template */
	struct payload_part *parts; /* spans into it */
	size_t n;
};

/* A counter and a time for who receives it, where they have no other place. */
struct payload_stamp {
	uint64_t seq;
	int64_t us;
};

/* What a payload is made of. */
struct measured {
	const char *device; /* a valid id */
	const struct sensors *sensors;
	const struct draw *draw;
	int64_t timestamp;
	const struct payload_stamp *stamp; /* NULL: none */
};

/* `option`: nested, flat, or a template's file, in which {device_id}, {timestamp}, {number},
 * {sensors} and {SENSOR} stand for their values. NULL is nested. */
int payload_init(struct payload *p, const char *option, struct err *err);
void payload_release(struct payload *p);
/* Whether payloads can be made of these sensors: in the flat shape a sensor stands beside device_id and
 * timestamp and cannot have their names; a template names only what is there. */
int payload_check(const struct payload *p, const struct sensors *s, struct err *err);

/* {"device_id":"X","sensors":{...},"timestamp":T} or {"device_id":"X",...,"timestamp":T}. */
void payload_reading(struct buf *out, const struct payload *p, const struct measured *r);

/* {"device_id":"X","status":"connected","timestamp":T}; T < 0: none. */
void payload_status(
    struct buf *out, const char *device, const char *status, int64_t timestamp);

#endif
