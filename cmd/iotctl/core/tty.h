/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TTY_H
#define TTY_H

#include <stdbool.h>

#include "base/err.h"

/* Asks on the terminal, not on stdin. A secret is not echoed (secret_free). Without a terminal, and
 * at an end of file, ERR_USAGE; Ctrl-C is ERR_SIGNAL + SIGINT. Blocks. */
int tty_ask(const char *question, bool secret, char **out, struct err *err);

/* Whether there is a person to ask: a terminal on stdin and stderr. */
bool tty_is_there(void);

#endif
