/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_FINDINGS_H
#define IOTCTL_DOCTOR_FINDINGS_H

#include <stddef.h>

#include "base/err.h"

enum health {
	HEALTH_OK,
	HEALTH_BAD,
	HEALTH_WARN,
	HEALTH_UNKNOWN, /* could not be tested */
	HEALTH_NONE,    /* there is nothing to test on this platform */
};

struct finding {
	const char *check; /* kept as it is */
	enum health health;
	char *text;
};

/* What doctor found, in the order in which one thing needs another: the first that is bad is the cause. The
 * zero value is empty. */
struct findings {
	struct finding *v;
	size_t n;
};

/* One more; `check` is a constant, the text is printed as by printf(3). */
void findings_add(struct findings *f, const char *check, enum health health,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void findings_release(struct findings *f);
/* How many are bad. */
size_t findings_bad(const struct findings *f);
/* What it means that something could not be asked: that we may not, or a failure. */
enum health findings_health(const struct err *err);

#endif
