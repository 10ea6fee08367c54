/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RETAINED_H
#define RETAINED_H

#include "ctl.h"

/* Takes the retained status of a device that is gone off the broker that the options or the context
 * name; that there is none, or a failure, is told, not more: the device is gone. */
void retained_clear(struct ctl *c, const char *device);

#endif
