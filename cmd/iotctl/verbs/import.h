/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_IMPORT_H
#define IOTCTL_VERBS_IMPORT_H

#include "base/hash.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"

/* What a device's word for a sensor stands for; found once for all its lines. */
struct known_pair {
	char *device, *sensor; /* as the lines have them */
	json_int_t device_id, sensor_id;
	double min, max;
	char *why; /* what is wrong with it; NULL: nothing */
};

struct import_catalog {
	struct objects devices;
	struct known_pair *v;
	size_t n;
	struct hash_table pairs; /* indexes of v */
};

/* Fetches the devices, with the sensors they have. */
int import_open(struct ctl *c, struct import_catalog *k, struct err *err);
void import_close(struct import_catalog *k);

/* A line of `iotingest --readings` as the API wants it, appended to `out`. -1: the line is no good, and
 * `err` says why. */
int import_line(struct import_catalog *k, struct span line, struct buf *out, struct err *err);

#endif
