/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_COMMANDS_H
#define IOTPUB_SIM_COMMANDS_H

#include "model/topic_set.h"
#include "exec/responder.h"
#include "iotpub/iotpub.h"

/* The commands of all devices: printed, run and answered (--listen, --exec, --reply). */
struct commands;

/* `answered` is told on the loop's thread when a command of this device was run and answered. Keeps
 * `topics` and `err`, for what cannot be printed. Release *out also after an error. */
int commands_new(struct commands **out, struct loop *loop, const struct args *a,
    const struct topic_set *topics, void (*answered)(struct responder_device *d),
    struct err *err);
/* Prints a command, then runs it, or refuses it: the device is leaving. Blocks while standard output takes
 * nothing. 0: it may be acknowledged; -1: it is not printed, nor will others be. */
int commands_take(
    struct commands *t, struct responder_device *d, const struct msg *m, bool leaving);
/* Kills what runs. Accepts NULL. */
void commands_free(struct commands *t);

#endif
