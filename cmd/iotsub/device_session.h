/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_OBEY_H
#define IOTSUB_OBEY_H

#include "iotsub/sub.h"

/* Devices whose commands are run and answered (--exec, --reply), each on a session of its own. A command
 * is acknowledged when it and those of the device before it were answered. */

int obey_add(struct sub *s, const struct session_opts *opt, const char *device,
    const char *filter, struct err *err);
/* How many devices were added. */
size_t obey_count(const struct sub *s);
void obey_start(struct sub *s);
/* Takes no more commands; each device ends by itself, with sub_ended, when its last answer is out. */
void obey_stop(struct sub *s);
void obey_release(struct sub *s);

#endif
