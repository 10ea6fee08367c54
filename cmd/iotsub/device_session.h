/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_DEVICE_SESSION_H
#define IOTSUB_DEVICE_SESSION_H

#include "iotsub/sub.h"

/* Devices whose commands are run and answered (--exec, --reply), each on a session of its own. A command
 * is acknowledged when it and those of the device before it were answered. */

int device_session_add(struct sub *s, const struct session_opts *opt, const char *device,
    const char *filter, struct err *err);
/* How many devices were added. */
size_t device_session_count(const struct sub *s);
void device_session_start(struct sub *s);
/* Takes no more commands; each device ends by itself, with sub_ended, when its last answer is out. */
void device_session_stop(struct sub *s);
void device_session_release(struct sub *s);

#endif
