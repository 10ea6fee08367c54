/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_VALUES_SENSOR_H
#define IOTPUB_VALUES_SENSOR_H

#include <stddef.h>

#include "iotpub/values/model.h"

/* What stands on the command line as SENSOR=VALUE or SENSOR=MODEL:ARGS. */
struct sensor {
	struct buf key; /* a JSON string, with quotes */
	struct model model;
};

struct sensors {
	struct sensor *v;
	size_t n;
};

/* Adds one operand. */
int sensors_add(struct sensors *s, const char *operand, struct err *err);
/* What a device measures when nothing was said. */
void sensors_add_default(struct sensors *s);
void sensors_release(struct sensors *s);

/* One number a sensor for the walks of a device (free), or NULL if none walks. */
double *sensors_walks(const struct sensors *s);
/* Appends the value of sensor `i`. */
void sensor_put(
    const struct sensors *s, size_t i, struct buf *out, const struct draw *draw);

#endif
