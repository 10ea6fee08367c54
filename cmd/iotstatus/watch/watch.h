/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_H
#define IOTSTATUS_WATCH_WATCH_H

#include "iotstatus/check.h"

/* The live view: a picture on a terminal, lines where there is none. watch_feed.h is fed by the broker, the API is
 * polled here; both fill watch_model.h, which watch_draw.h draws on screen.h as watch_keys.h has it. All of it on
 * the loop of `check`, in one thread. */

/* Blocks until it is quit. `check` is prepared; `format` is that of the lines. Ended by a signal: an error of code
 * ERR_SIGNAL + its number. */
int watch_run(struct device_check *check, enum format format, struct err *err);

#endif
