/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_COMMAND_LINES_H
#define EXEC_COMMAND_LINES_H

#include "msg/message.h"
#include "loop/writer.h"
#include "exec/responder.h"

/*
 * Commands of devices, each shown as a line before it is obeyed. A reader of the lines that stalls makes the
 * commands wait, not the devices: it is known before the pipe is full, and then no command is read, so that
 * none is there whose acknowledgement would hold back what the device publishes (see
 * session_opts.hold_acks). Of the loop's thread.
 */
struct command_lines;

struct command_lines_events {
	/* Its line is out: it may be obeyed, and acknowledged if command_lines_has no other of the device. */
	void (*shown)(void *arg, struct responder_device *d, const struct msg *m);
	/* Its line could not be written: ERR_OUTPUT. A reader that left: writer_reader_left. */
	void (*failed)(void *arg, const struct err *why);
	/* The reader stalls, or takes more again: session_pause_messages for every device. */
	void (*stalled)(void *arg, bool stalled);
};

/* `w` and `events` stay the caller's and must outlive it. */
struct command_lines *command_lines_new(
    struct writer *w, const struct command_lines_events *events, void *arg);
/* Forgets what is not shown. Accepts NULL. */
void command_lines_free(struct command_lines *l);
/* Shows a command as this line, both are copied; `shown` or `failed` follows once, maybe before it returns. */
void command_lines_put(struct command_lines *l, struct responder_device *d, struct span line,
    const struct msg *m);
/* Whether a command of the device is not shown yet. */
bool command_lines_has(const struct command_lines *l, const struct responder_device *d);
/* The device has no use for its commands any more; their lines are written all the same. How many there were. */
size_t command_lines_forget(struct command_lines *l, const struct responder_device *d);
bool command_lines_are_stalled(const struct command_lines *l);

#endif
