/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_ASK_PASSWORD_H
#define IOTAPI_ASK_PASSWORD_H

#include "base/err.h"

/* Asks the terminal for a new password, twice and without echo. Free *out with mem_free_secret in every case. ERR_USAGE:
 * there is no terminal, or no password was given, or two. Blocks. */
int ask_password(char **out, struct err *err);

#endif
