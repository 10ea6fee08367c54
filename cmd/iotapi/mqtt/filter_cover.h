/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_FILTER_COVER_H
#define IOTAPI_MQTT_FILTER_COVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strv.h"

/* Leaves of topic filters (those of templates: "+" for whole levels, no "#") only what must be
 * subscribed: each once, and none that another takes too, which would bring a message twice. Sorted. */
void filter_cover_reduce(struct strv *filters);
/* Whether what that left has this one. */
bool filter_cover_has(const struct strv *filters, const char *filter);

#endif
