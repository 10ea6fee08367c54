/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "msg/message.h"

/* Copies the bytes of a span to *at, which moves on; an absent one stays absent. */
static struct span
move_in(char **at, struct span s)
{
	char *to = *at;

	if (s.p == NULL)
		return s;
	memcpy(to, s.p, s.n);
	*at += s.n;
	return (struct span){to, s.n};
}

struct msg *
message_copy(const struct msg *m)
{
	const size_t pairs = m->props.users * 2;
	size_t n = sizeof(*m) + pairs * sizeof(struct span) + m->topic.n + m->payload.n +
	    m->props.content_type.n + m->props.response_topic.n + m->props.correlation.n;
	struct msg *copy;
	struct span *user;
	char *at;
	size_t i;

	for (i = 0; i < pairs; i++)
		n += m->props.user[i].n;
	copy = xmalloc(n);
	*copy = *m;
	copy->padded = false;
	user = (struct span *)(void *)(copy + 1);
	at = (char *)(user + pairs);
	copy->topic = move_in(&at, m->topic);
	copy->payload = move_in(&at, m->payload);
	copy->props.content_type = move_in(&at, m->props.content_type);
	copy->props.response_topic = move_in(&at, m->props.response_topic);
	copy->props.correlation = move_in(&at, m->props.correlation);
	for (i = 0; i < pairs; i++)
		user[i] = move_in(&at, m->props.user[i]);
	copy->props.user = user;
	return copy;
}
