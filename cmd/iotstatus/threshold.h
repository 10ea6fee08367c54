/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIMITS_H
#define LIMITS_H

#include "base/buf.h"
#include "iotstatus/range.h"

/* The thresholds of one fleet or group. */
struct limit {
	const char *
	    group; /* NULL: of all that have none of their own; borrowed or owned by limits */
	struct range warning, critical;
};

/* All of -w and -c: "90:" for everyone, "esp32=80:" for one group of --by. */
struct limits {
	struct limit all;
	struct limit *v; /* of groups */
	size_t n;
	struct strv names; /* of the groups */
};

/* Errors (ERR_USAGE) name the option; one is a critical range looser than the warning's. The
 * texts stay borrowed. */
int limits_read(struct limits *l, const struct strv *warning, const struct strv *critical,
    struct err *err);
/* Of this group; where only one of the two ranges is its own, the other is everyone's. */
struct limit limits_of(const struct limits *l, const char *group);
void limits_release(struct limits *l);

#endif
