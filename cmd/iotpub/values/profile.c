/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/values/profile.h"

#include <stdio.h>

int
profile_topic(
    const struct topic *t, const char *id, int64_t now, char **out, struct err *err)
{
	char text[24];
	struct topic_vars vars = {.v = {[TOPIC_DEVICE_ID] = span_of(id)}};

	if (topic_has(t, TOPIC_TIMESTAMP)) {
		snprintf(text, sizeof(text), "%lld", (long long)now);
		vars.v[TOPIC_TIMESTAMP] = span_of(text);
	}
	return topic_expand(t, &vars, out, err);
}
