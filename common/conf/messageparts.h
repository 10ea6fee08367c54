/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What message lines, reading lines and answers share; only for files of conf/. */
#ifndef CONF_MESSAGEPARTS_H
#define CONF_MESSAGEPARTS_H

#include "conf/message.h"

/* A string from the network: as it is when it is UTF-8, else with each bad byte as U+FFFD, so that
 * the line stays valid whatever arrives. */
void message_put_text(struct buf *out, struct span s);

/* What a payload is: one JSON text, other UTF-8 without NUL, or bytes. */
struct message_payload {
	enum { MESSAGE_JSON, MESSAGE_TEXT, MESSAGE_BINARY } kind;
	struct span value; /* JSON: without the white space around it */
	size_t blanks;     /* JSON: insignificant white space inside */
	struct span claim; /* JSON: a member device_id; else p == NULL */
	bool escapes;      /* JSON: strings have some */
};
void message_read_payload(struct message_payload *p, struct span payload);
/* `,"qos":1,"retain":false,"mid":17`, and `,"dup":true` when it is. */
void message_put_delivery(struct buf *out, const struct msg *m);
/* The variables of the first template that matches the topic; none: false, all absent. */
bool message_capture(const struct msg *m, const struct topics *topics, struct topic_vars *vars);
/* Whether a payload claims another device than its topic (p == NULL: no topic id). */
bool message_id_mismatch(const struct message_payload *p, struct span device_id);
/* The word why there is no line of this message, else NULL: m->reject, or a mismatch that strict topics
 * do not have. Reads the payload only for these. */
const char *message_refused(const struct msg *m, const struct topics *topics);
bool message_reading_mismatch(const struct reading *r, struct span device_id);

#endif
