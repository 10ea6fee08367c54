/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_DEVICE_TABLE_H
#define IOTSTATUS_DEVICE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/strv.h"
#include "model/presence.h"

/* What one source reports of a device; times in microseconds since 1970, 0: unknown. */
struct device_seen {
	int64_t since; /* in this state */
	int64_t seen;  /* last sign of life */
	enum presence state;
	bool known; /* the source has a word about this device */
};

/* The number comes from VIEW_SOURCE; --verify holds VIEW_OTHER against it. */
enum view { VIEW_SOURCE, VIEW_OTHER, VIEWS };

struct device {
	char *id;
	char *alias;    /* its client id at the broker; NULL: none or the same */
	int64_t number; /* the API's id; 0: none */
	uint32_t group; /* of --by */
	bool listed;    /* the API knows it */
	struct device_seen reported[VIEWS];
};

/* Devices by id. The zero value is empty. A device is never removed, so that indices last;
 * pointers last until the next device is added. */
struct device_table {
	struct device *v;
	size_t n, room;
	struct hash_table ids; /* indexes */
	struct strv groups;
};

/* The device with this id, added, with a copy of the id, if it is new. */
struct device *device_table_get(struct device_table *f, struct span id);
/* NULL if there is none. */
struct device *device_table_find(const struct device_table *f, struct span id);
/* The number of a group's name, added if it is new. */
uint32_t device_table_group(struct device_table *f, struct span name);
/* What a broker said under a client id, or under "device_ID" as the platform names its logins, is said of
 * the listed device. */
void device_table_join(struct device_table *f);
/* Whether a sign of life is between `age` ago and as far ahead: clocks differ by some, but one that is years
 * ahead, or hours because its zone is not said, would look alive for so long. Microseconds. */
bool device_table_seen_lately(int64_t seen, int64_t now, int64_t age);
/* Online without a sign of life lately becomes stale. */
void device_table_age(struct device_table *f, enum view view, int64_t now, int64_t age);
/* In the order of their ids, for people; indices change. */
void device_table_sort(struct device_table *f);
/* Frees all; the table is empty then. */
void device_table_release(struct device_table *f);

/* Devices by state. */
struct counts {
	long total;
	long n[PRESENCES];
	bool split; /* never and stale were told apart */
};
/* Of the listed devices, or, if the API was not asked, of all; group < 0: of all groups. */
void device_table_count(
    const struct device_table *f, enum view view, bool listed, long group, struct counts *out);
/* Whether the two views differ in what counts: online or not. */
bool device_table_is_disputed(const struct device *d);

#endif
