/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SENSOR_H
#define SENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What stands on the command line as SENSOR=VALUE or SENSOR=uniform:A,B. */
struct sensor {
	struct buf key;  /* a JSON string, with quotes */
	struct buf json; /* the value; empty: uniform */
	double from, to;
	int decimals;
};

struct sensors {
	struct sensor *v;
	size_t n;
};

/* Adds one operand. A value that is JSON keeps its own bytes (21.50 stays 21.50), other text
 * becomes a JSON string. */
int sensors_add(struct sensors *s, const char *operand, struct err *err);
/* What a device measures when nothing was said. */
void sensors_add_default(struct sensors *s);
void sensors_release(struct sensors *s);

/* Appends the next value. `random` is the state of a device's own sequence. */
void sensor_put(const struct sensor *s, struct buf *out, uint64_t *random);

/* The beginning of the sequence of device number `n`: the same for the same seed. */
uint64_t sensor_random(uint64_t seed, uint64_t n);

#endif
