/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REMEMBER_H
#define REMEMBER_H

#include <jansson.h>

#include "iotctl/ctl.h"

/*
 * Which secrets were sent, so that apply need not send them again: the API does not show them. Only
 * keyed hashes are kept, in a file of the context with mode 0600.
 */
struct remember {
	char *path; /* NULL: nowhere to keep it */
	json_t *all;
	unsigned char key[32];
	bool changed;
};

/* What cannot be read is forgotten. */
void remember_load(struct remember *m, struct ctl *c);
/* `name` is the object's natural key. */
bool remember_same(struct remember *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
void remember_put(struct remember *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
/* Writes it if anything changed; a failure is told, for it does no harm. */
void remember_end(struct remember *m);

#endif
