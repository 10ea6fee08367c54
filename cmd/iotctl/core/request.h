/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_REQUEST_H
#define IOTCTL_CORE_REQUEST_H

#include <jansson.h>

#include "base/strv.h"
#include "iotctl/core/field.h"
#include "iotctl/ctl.h"

/* One FIELD of the command line. */
struct assign {
	const struct schema_field *field;   /* NULL: only a filter of the list */
	const struct schema_filter *filter; /* request_parse with filters; NULL: not the server's */
	enum field_op op;
	char *value; /* into argv */
};

/* What follows RESOURCE VERB: names and fields. */
struct request {
	const struct schema_resource *r;
	struct strv names;
	bool named; /* names were given, if only those of an empty stdin */
	struct assign *v;
	size_t n;
};

/* Sorts the operands; unknown and read-only fields are errors (filters: write-only ones). Reads
 * names from stdin where "-" stands. Values of write-only fields are blanked in argv. */
int request_parse(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    bool filters, struct request *out, struct err *err);
void request_release(struct request *q);

/* The value of one assignment as JSON, references looked up (decref). NULL with either a field
 * error more, or `err`. For += and -= the list of what to add or drop. */
json_t *value_of(struct ctl *c, const struct assign *a, struct field_errs *errs,
    struct err *err);
/* validate_value, but a time without a zone stays as it is: it is the backend's own, as those that
 * the API sends. So does a whole number where any number is wanted. */
json_t *value_checked(
    const struct schema_field *f, json_t *raw, struct field_errs *errs);
/* A text as the value of a field, references looked up. */
json_t *value_of_text(struct ctl *c, const struct schema_field *f, const char *text,
    struct field_errs *errs, struct err *err);

/* The text that a file holds for a field: a secret's first line, anything else without its final
 * newline, a PEM with it (mem_free_secret). A secret's file that others may read is refused. */
int value_file(
    const struct schema_field *f, const char *path, char **out, struct err *err);

/* JSON with numbers in shortest form, 1.0 with its point; compact; members that are write-only fields
 * of `mask` (may be NULL) are replaced by "********". */
void request_put_body(struct buf *out, json_t *value, const struct schema_resource *mask);

#endif
