/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What message lines and reading lines share; only for conf/message*.c and conf/readings.c. */
#ifndef CONF_MESSAGEPARTS_H
#define CONF_MESSAGEPARTS_H

#include "conf/message.h"

/* `,"payload":...`, `,"payload_text":...` or `,"payload_b64":...`. */
void message_put_payload(struct buf *out, struct span payload);
/* `,"qos":1,"retain":false,"mid":17`, and `,"dup":true` when it is. */
void message_put_delivery(struct buf *out, const struct msg *m);
/* The variables of the first template that matches the topic; none: false, all absent. */
bool message_capture(const struct msg *m, const struct topics *topics, struct topic_vars *vars);
/* Whether a JSON payload claims another device than its topic (p == NULL: no topic id). */
bool message_id_mismatch(struct span payload, struct span device_id);

#endif
