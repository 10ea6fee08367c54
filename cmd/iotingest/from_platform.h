/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "exec/iotctl_child.h"
#include "iotingest/run.h"

/* What --from-platform learns, by running iotctl and reading its NDJSON. The zero value is empty. */
struct platform {
	struct strv topics;          /* the templates that devices publish to */
	struct iotctl_broker broker; /* no host: not asked for, one is configured */
};

/* Blocks until iotctl has answered; it says on stderr itself what went wrong, and its exit status
 * becomes the error's code. */
int platform_ask(struct platform *p, const struct args *a, struct err *err);
void platform_release(struct platform *p);

#endif
