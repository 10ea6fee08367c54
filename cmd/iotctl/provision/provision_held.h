/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_HELD_H
#define IOTCTL_PROVISION_PROVISION_HELD_H

#include "base/hash.h"
#include "iotctl/core/objects.h"

/* What the platform holds of the devices of a run. A list is read once where that costs less than a request a
 * device: its answers must be made whole, object by object, and a platform may hold many more than are asked for. */
enum held_part {
	HELD_DEVICES,     /* by identificador_unico */
	HELD_CREDENTIALS, /* these by the device's id */
	HELD_CONFIGS,
	HELD_ACCOUNTS,
	HELD_RULES,       /* by the account's name */
	HELD_PARTS
};

/* The zero value holds nothing: all is asked for. */
struct held {
	struct held_list {
		struct objects all;
		struct hash_table by; /* their places by the hash of the key */
		bool whole;           /* else nothing is known of it */
	} v[HELD_PARTS];
};

/* Reads a list that `units` devices will be looked for in, unless it is too long for them. Blocks. An error is one
 * that the requests for the devices would meet as well; what those may not meet leaves the list unread. */
int provision_held_read(struct ctl *c, struct held *h, enum held_part part, size_t units,
    struct err *err);
void provision_held_release(struct held *h);

/* How many a list that was read has under this key; 0 for one that was not. */
size_t provision_held_count(const struct held *h, enum held_part part, const char *key);
/* Adds copies of them to `out` (release it in every case), asking the API where the list was not read: then it
 * blocks; in a job others go on. */
int provision_held_find(struct ctl *c, const struct held *h, enum held_part part,
    const char *key, struct objects *out, struct err *err);
/* The same for parts that go by a device's id. */
int provision_held_of_device(struct ctl *c, const struct held *h, enum held_part part,
    json_int_t device, struct objects *out, struct err *err);

#endif
