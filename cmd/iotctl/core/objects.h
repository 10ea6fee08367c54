/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_OBJECTS_H
#define IOTCTL_CORE_OBJECTS_H

#include <jansson.h>
#include "iotctl/ctl.h"

/* Objects fetched once, for many lookups. The zero value is empty. */
struct objects {
	struct buf *v;
	size_t n;
};
void objects_add(struct objects *o, struct span object);
/* A whole list; `filters` as rest_list_path has them. */
int objects_fetch(struct ctl *c, const char *resource, const char *filters,
    struct objects *out, struct err *err);
/* Those that belong to a device, and, of a server that ignores the filter, others. */
int objects_of_device(struct ctl *c, const char *resource, json_int_t device,
    struct objects *out, struct err *err);
void objects_release(struct objects *o);

#endif
