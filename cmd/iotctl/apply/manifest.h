/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_MANIFEST_H
#define IOTCTL_APPLY_MANIFEST_H

#include <jansson.h>

#include "base/strv.h"
#include "iotctl/ctl.h"

/* One object that a file wants. */
struct item {
	const struct schema_resource *r;
	json_t *fields;  /* by the API's names, as they stand in the file; names not looked up */
	json_t *absent;  /* secrets whose file is not there: field to path */
	json_t *sensors; /* of a device: names or ids; NULL: nothing is said of them */
	char *label;     /* its natural key, for people */
	size_t row;      /* its place among all, from 1 */
	size_t level;    /* what it may refer to has less */
};

struct manifest {
	struct item *v; /* by level, else in order */
	size_t n;
};

/* Reads the files ("-" is standard input), each of documents {"kind": RESOURCE, FIELD: ...}, lists of
 * them, or {RESOURCE: [{FIELD: ...}]}. FIELD@file names a file, beside or below the document's
 * (with --allow-files anywhere), that holds the value; a secret's need not be there. A file without an object is an
 * error, read-only fields are left out, unknown ones are an error
 * (ERR_USAGE). */
int manifest_read(
    struct ctl *c, const struct strv *paths, struct manifest *out, struct err *err);
void manifest_release(struct manifest *m);

/* 1 more than the highest level of what the resource refers to. */
size_t manifest_level(const struct schema_resource *r);

#endif
