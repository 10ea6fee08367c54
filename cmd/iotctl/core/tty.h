/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_TTY_H
#define IOTCTL_CORE_TTY_H

#include <stdbool.h>

#include "base/err.h"

/* Asks on the terminal, not on stdin. A secret is not echoed (mem_free_secret). Without a terminal, and
 * at an end of file, ERR_USAGE; Ctrl-C is ERR_SIGNAL + SIGINT. Blocks; a signal that ends the program
 * meanwhile ends it with the echo turned on again. One at a time, of the main thread. */
int tty_ask(const char *question, bool secret, char **out, struct err *err);

/* Whether there is a person to ask: a terminal on stdin and stderr. */
bool tty_is_there(void);

#endif
