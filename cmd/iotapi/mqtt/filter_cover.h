/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FILTERS_H
#define FILTERS_H

#include "base/buf.h"

/* Leaves of topic filters (those of templates: "+" for whole levels, no "#") only what must be
 * subscribed: each once, and none that another takes too, which would bring a message twice. Sorted. */
void filters_reduce(struct strv *filters);

#endif
