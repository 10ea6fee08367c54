/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_LOOKUP_H
#define IOTCTL_CORE_LOOKUP_H

#include <jansson.h>

#include "iotctl/core/objects.h"
#include "iotctl/ctl.h"

/* An object that a name stands for. */
struct lookup_found {
	json_int_t id;
	char *label;      /* its natural key, for people */
	struct buf bytes; /* as the list, or the detail, has it */
};

/* The one object that `name` means: an id, or the value of one of the resource's keys, the first key
 * that matches counting. None: ERR_NOT_FOUND. Several: ERR_USAGE, naming them. `out` is empty then; else
 * lookup_release it. Asks the API, and blocks; in a job others go on. */
int lookup(struct ctl *c, const struct schema_resource *r, const char *name,
    struct lookup_found *out, struct err *err);
int lookup_id(struct ctl *c, const struct schema_resource *r, const char *name,
    json_int_t *id, struct err *err);
void lookup_release(struct lookup_found *f);

/* As lookup_id, among these only, without a request. */
int lookup_among(const struct schema_resource *r, const struct objects *among,
    const char *name, json_int_t *id, struct err *err);

/* The natural key of an object, or its id (free). */
char *lookup_label_of(const struct schema_resource *r, struct span object);
/* The object's id; 0 if it has none. */
json_int_t lookup_id_of(struct span object);

#endif
