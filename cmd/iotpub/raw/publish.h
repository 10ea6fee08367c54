/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_RAW_PUBLISH_H
#define IOTPUB_RAW_PUBLISH_H

#include "iotpub/iotpub.h"

/* Publishes messages of any kind: -t, -l --json, --replay. */
int publish_run(const struct args *a, const struct opt_set *set, struct session_opts *opts,
    struct err *err);

#endif
