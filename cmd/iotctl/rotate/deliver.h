/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ROTATE_DELIVER_H
#define IOTCTL_ROTATE_DELIVER_H

#include "iotctl/ctl.h"

/* A password on its way to its device. */
struct deliver {
	const char *device, *password;
	struct err why; /* code 0: the command took it */
};

/* Runs the shell's words once for each, some at once (--jobs), without secrets of ours in its environment: the password and
 * a newline are its standard input, IOT_DEVICE_ID says whose it is, its standard output is dropped. An
 * exit status other than 0, or a minute, is a failure. Blocks. -1: nothing was run. */
int deliver_all(struct ctl *c, const char *command, struct deliver *v, size_t n, struct err *err);

#endif
