/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_OBJECTS_H
#define IOTCTL_CORE_OBJECTS_H

#include <jansson.h>
#include "iotctl/ctl.h"

/* Objects fetched once, for many lookups, as the server sent them. The zero value is empty. */
struct objects {
	struct buf *v;
	size_t n;
};
/* Adds a copy. */
void objects_add(struct objects *o, struct span object);
/* Adds a whole list; `filters` as rest_list_path has them. Release it in every case: a list that breaks off
 * leaves what came of it. */
int objects_fetch(struct ctl *c, const char *resource, const char *filters,
    struct objects *out, struct err *err);
/* The same, only of those that belong to a device, whatever the server makes of the filter. `out` is empty
 * before. */
int objects_of_device(struct ctl *c, const char *resource, json_int_t device,
    struct objects *out, struct err *err);
void objects_release(struct objects *o);

#endif
