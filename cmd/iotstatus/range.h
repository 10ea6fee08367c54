/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_RANGE_H
#define IOTSTATUS_RANGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* A threshold as the Monitoring Plugins guidelines write it: "10" alerts outside 0..10, "10:" below
 * 10, "~:10" above 10, "10:20" outside, "@10:20" inside. A % behind a number is accepted, a colon
 * alone is not: it is what is left of two variables that are empty. */
struct range {
	double low, high; /* -INFINITY and INFINITY where open */
	bool inside;      /* alerts inside instead of outside */
	bool given;
	const char *text; /* as the user wrote it, borrowed */
};

/* `what` is the subject of the message (ERR_USAGE). */
int range_parse(struct range *r, const char *text, const char *what, struct err *err);
/* Without percent signs, as performance data wants it; nothing for one that was not given. */
void range_put(struct buf *out, const struct range *r);
/* Whether the value is to be alerted; a range that was not given never alerts. */
bool range_alerts(const struct range *r, double value);
/* Whether every value that `critical` alerts is alerted by `warning` too; true if one is missing. */
bool range_covers(const struct range *warning, const struct range *critical);

#endif
