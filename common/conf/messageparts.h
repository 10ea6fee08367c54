/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What message lines, reading lines and answers share; only for files of conf/. */
#ifndef CONF_MESSAGEPARTS_H
#define CONF_MESSAGEPARTS_H

#include "conf/message.h"

/* A string from the network: as it is when it is UTF-8, else with each bad byte as U+FFFD, so that
 * the line stays valid whatever arrives. */
void message_put_text(struct buf *out, struct span s);
/* `,"payload":...`, `,"payload_text":...` or `,"payload_b64":...`. */
void message_put_payload(struct buf *out, struct span payload);
/* `,"qos":1,"retain":false,"mid":17`, and `,"dup":true` when it is. */
void message_put_delivery(struct buf *out, const struct msg *m);
/* The variables of the first template that matches the topic; none: false, all absent. */
bool message_capture(const struct msg *m, const struct topics *topics, struct topic_vars *vars);
/* Whether a JSON payload claims another device than its topic (p == NULL: no topic id). */
bool message_id_mismatch(struct span payload, struct span device_id);

#endif
