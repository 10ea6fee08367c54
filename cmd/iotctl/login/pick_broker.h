/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef OFFER_H
#define OFFER_H

#include "iotctl/ctl.h"

/* Which of the API's active brokers a new context is for, asked on a terminal: its URL and user (free),
 * NULL if there is none, nobody to ask, or the answer was none of them. */
void offer_broker(struct ctl *c, char **url, char **username);

#endif
