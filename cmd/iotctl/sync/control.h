/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SYNC_CONTROL_H
#define IOTCTL_SYNC_CONTROL_H

#include <jansson.h>

#include "mqtt/session.h"
#include "iotctl/ctl.h"

/* Commands to mosquitto's dynamic security, over a session that subscribes to its answers. */
struct control;

/* Connects as an administrator. Blocks. NULL: the reason in err; ERR_AUTH for who is none. */
struct control *control_open(struct ctl *c, const struct session_opts *o, struct err *err);
/* Sends some commands, takes the reference, and waits for their answers, one each in their order (json_decref). Blocks.
 * NULL: no answer came, or none that can be understood; a command that failed is no error here. */
json_t *control_call(struct control *k, json_t *commands, struct err *err);
/* One command and its "data" (json_decref); NULL: it failed, with the plugin's word. */
json_t *control_ask(struct control *k, json_t *command, struct err *err);
/* Accepts NULL. */
void control_close(struct control *k);

#endif
