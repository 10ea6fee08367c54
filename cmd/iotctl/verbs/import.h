/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_IMPORT_H
#define IOTCTL_VERBS_IMPORT_H

#include "base/hash.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"

/* What a device's word for a sensor stands for; found once for all its lines. */
struct import_pair {
	char *device, *sensor; /* as the lines have them */
	json_int_t device_id, sensor_id;
	double min, max;
	char *why; /* what is wrong with it; NULL: nothing */
};

/* The devices that lines are about, asked for when a line names one. The zero value with `ctl` is ready; one thread's.
 * Release with import_close. */
struct import_catalog {
	struct ctl *ctl;
	struct objects devices;   /* with the sensors they have */
	struct hash_table ids;    /* indexes of devices, by each of the names that one has in topics */
	size_t asked;             /* ids that were asked for one by one */
	bool whole;               /* devices has all that there are */
	struct import_pair *v;
	size_t n;
	struct hash_table pairs; /* indexes of v */
};
void import_close(struct import_catalog *k);

/* The catalog's own, until the next call. NULL: the API could not be asked (its own errors). Blocks. */
const struct import_pair *import_pair(
    struct import_catalog *k, const char *device, const char *sensor, struct err *err);

/* A line of `iotingest --readings` as the API wants it, appended to `out`: 0. 1: the line is no good, and
 * `err` says why. -1: as import_pair, which blocks. */
int import_line(struct import_catalog *k, struct span line, struct buf *out, struct err *err);

#endif
