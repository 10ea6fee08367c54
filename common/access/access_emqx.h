/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACCESS_ACCESS_EMQX_H
#define ACCESS_ACCESS_EMQX_H

#include <jansson.h>

#include "access/access.h"

/* A login's rules as EMQX's built-in database takes them, and an answer of an HTTP authenticator has them: QoS and retain only
 * where they say something, all else denied behind them (json_decref). */
json_t *access_emqx(const struct access *a);

#endif
