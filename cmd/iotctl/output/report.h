/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_REPORT_H
#define IOTCTL_OUTPUT_REPORT_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/*
 * Findings that are no objects of the API, a row each, on stdout in the format asked for: a table (when
 * it is complete), csv, or objects with the columns as keys (ndjson line by line).
 */
struct report {
	const struct ctl *ctl;
	enum format format;
	const char *const *columns;
	size_t n;
	unsigned numbers; /* bit i: column i is a number in JSON, null when empty */
	struct strv cells;
	size_t rows;
};

/* Keeps `columns`. */
void report_start(struct report *r, const struct ctl *c, const char *const *columns,
    size_t n, unsigned numbers);
/* One row of r->n cells; NULL is an empty one. */
void report_row(struct report *r, const char *const *cells);
/* Prints what was kept back and releases. */
void report_end(struct report *r);

#endif
