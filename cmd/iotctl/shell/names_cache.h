/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SHELL_NAMES_CACHE_H
#define IOTCTL_SHELL_NAMES_CACHE_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/* The names of a resource's objects, for completion: from a file of the cache that is at most a minute
 * old; else the API is asked, by a process of its own that leaves them there, and waited for no
 * longer than 300 ms, or until a signal waits for us: then what is known of old must do. */
void names_cache_live(struct ctl *c, const struct schema_resource *r, struct strv *out);

/* Forgets what is in the cache: something has changed. */
void names_cache_forget(struct ctl *c);

#endif
