/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_SENT_SECRETS_H
#define IOTCTL_APPLY_SENT_SECRETS_H

#include <jansson.h>

#include "iotctl/ctl.h"

/*
 * Which secrets were sent, so that apply need not send them again: the API does not show them. Only
 * keyed hashes are kept, in a file of the context with mode 0600.
 */
struct sent_secrets {
	char *path; /* NULL: nowhere to keep it */
	json_t *all;
	unsigned char key[32];
	bool changed;
};

/* What cannot be read is forgotten. */
void sent_secrets_load(struct sent_secrets *m, struct ctl *c);
/* `name` is the object's natural key. */
bool sent_secrets_same(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
void sent_secrets_put(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
/* Writes it if anything changed; a failure is told, for it does no harm. */
void sent_secrets_end(struct sent_secrets *m);

#endif
