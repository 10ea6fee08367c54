/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_STATE_VERSION_H
#define BASE_STATE_VERSION_H

#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

/*
 * What a program keeps for its next run has the version of its form in it; 0 is a form from before there were
 * versions. An older one is read, and from then on written as today's; a newer one is refused, since what
 * we do not know of it would be lost.
 */

/* ERR_USAGE when the file at `path`, of version `found`, is newer than `known`. */
int state_version_check(const char *path, long long found, int known, struct err *err);

/* As state_version_check; of an older one a copy stays beside it, PATH.vN with `mode`, before the caller may
 * replace it. `text` is what the file has. A copy that is there already stays. Blocks; ERR_OUTPUT. */
int state_version_accept(const char *path, struct span text, mode_t mode, long long found,
    int known, struct err *err);

#endif
