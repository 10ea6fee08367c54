/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_REQUEST_H
#define IOTCTL_CORE_REQUEST_H

#include <jansson.h>

#include "base/strv.h"
#include "model/field_errs.h"
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

/* JSON with numbers in shortest form, 1.0 with its point; compact; members that are write-only fields
 * of `mask` (may be NULL) are replaced by "********". */
void request_put_body(struct buf *out, json_t *value, const struct schema_resource *mask);

#endif
