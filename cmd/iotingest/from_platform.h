/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_FROM_PLATFORM_H
#define IOTINGEST_FROM_PLATFORM_H

#include "base/strv.h"
#include "model/broker_address.h"
#include "iotingest/run.h"

/* What --from-platform learns, by running iotctl and reading its NDJSON. The zero value is empty. */
struct from_platform {
	struct strv topics;          /* the templates that devices publish to */
	struct broker_address broker; /* no host: not asked for, one is configured */
};

/* Blocks until iotctl has answered; it says on stderr itself what went wrong, and its exit status
 * becomes the error's code. */
int from_platform_ask(struct from_platform *p, const struct args *a, struct err *err);
void from_platform_release(struct from_platform *p);

#endif
