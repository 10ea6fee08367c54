/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_TOPIC_ALIAS_H
#define MQTT_TOPIC_ALIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* MQTT 5's topic aliases of one connection (3.3.2.3.4): numbers 1..ALIASES that a broker gives to topics.
 * The zero value has none. It owns the topics: at most 64 KiB each. */
enum { ALIASES = 16 };

struct topic_aliases {
	struct buf topics[ALIASES];
};

/* The topic, valid until the alias is set anew; absent when there is none of this number. */
struct span topic_alias_topic(const struct topic_aliases *a, uint16_t alias);
/* False when the number is out of range. */
bool topic_alias_set(struct topic_aliases *a, uint16_t alias, struct span topic);
/* A new connection: none is known. Keeps the memory. */
void topic_alias_reset(struct topic_aliases *a);
void topic_alias_release(struct topic_aliases *a);

#endif
