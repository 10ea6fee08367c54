/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_COMMANDS_H
#define IOTPUB_SIM_COMMANDS_H

#include "model/topic_set.h"
#include "exec/command_lines.h"
#include "iotpub/iotpub.h"
#include "iotpub/sim/device.h"

/* The commands of all devices: printed, run and answered (--listen, --exec, --reply). All on the loop's
 * thread; nothing blocks. */
struct commands;

struct commands_events {
	/* Nobody reads standard output, or it takes more again: device_pause_commands for every device. */
	void (*stalled)(void *arg, bool stalled);
	/* A command could not be printed, nor will others be. */
	void (*failed)(void *arg);
};

/* Keeps `topics` and `err`, for what cannot be printed; a reader who left is no error. Release *out also
 * after an error. */
int commands_new(struct commands **out, struct loop *loop, const struct args *a,
    const struct topic_set *topics, const struct commands_events *events, void *arg,
    struct err *err);
/* Prints a command, then runs it, or refuses it when the device has said goodbye, and acknowledges it:
 * maybe all that before it returns. Copies it. */
void commands_take(struct commands *t, struct device *d, const struct msg *m);
/* For device_config. */
struct command_lines *commands_lines(const struct commands *t);
/* Kills what runs. Accepts NULL. */
void commands_free(struct commands *t);

#endif
