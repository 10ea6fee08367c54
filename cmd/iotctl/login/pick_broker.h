/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_PICK_BROKER_H
#define IOTCTL_LOGIN_PICK_BROKER_H

#include "iotctl/ctl.h"

/* Which of the API's active brokers a new context is for, asked on a terminal: its URL and user (free),
 * NULL if there is none, nobody to ask, or the answer was none of them. */
void pick_broker(struct ctl *c, char **url, char **username);

#endif
