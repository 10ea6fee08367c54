/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/topic_alias.h"

struct span
topic_alias_topic(const struct topic_aliases *a, uint16_t alias)
{
	if (alias == 0 || alias > ALIASES || a->topics[alias - 1].n == 0)
		return (struct span){0};
	return buf_as_span(&a->topics[alias - 1]);
}

bool
topic_alias_set(struct topic_aliases *a, uint16_t alias, struct span topic)
{
	if (alias == 0 || alias > ALIASES)
		return false;
	buf_clear(&a->topics[alias - 1]);
	buf_span(&a->topics[alias - 1], topic);
	return true;
}

void
topic_alias_reset(struct topic_aliases *a)
{
	int i;

	for (i = 0; i < ALIASES; i++)
		buf_clear(&a->topics[i]);
}

void
topic_alias_release(struct topic_aliases *a)
{
	int i;

	for (i = 0; i < ALIASES; i++)
		buf_release(&a->topics[i]);
}
