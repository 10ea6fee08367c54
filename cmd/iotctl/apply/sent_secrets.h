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

/* Reads the file of the context whose name begins so: "applied", or "synced" of sync/. One that cannot be read is as
 * none, with a warning: what it had is sent once more. So is one of a newer iot-utils, which stays as it is. */
void sent_secrets_load(struct sent_secrets *m, struct ctl *c, const char *prefix);
/* Whether it was sent already. `name` is the object's natural key. */
bool sent_secrets_same(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
void sent_secrets_put(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret);
/* All secrets of a body that was sent to create or change `object`, in one step: for who sends no more. */
void sent_secrets_note(
    struct ctl *c, const struct schema_resource *r, struct span object, json_t *body);
/* One that went another way. */
void sent_secrets_note_one(struct ctl *c, const struct schema_resource *r, const char *name,
    const char *field, const char *secret);
/* Writes the file if anything changed. A failure is a warning only. */
void sent_secrets_save(struct sent_secrets *m);
/* Saves, and releases. A failure is a warning only: it costs a request. */
void sent_secrets_end(struct sent_secrets *m);

#endif
