/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/presence.h"

const char *const presence_names[PRESENCES] = {
    [PRESENCE_ONLINE] = "online",
    [PRESENCE_OFFLINE] = "offline",
    [PRESENCE_ERROR] = "error",
    [PRESENCE_NEVER] = "never",
    [PRESENCE_STALE] = "stale",
};

const char *const presence_status_words[PRESENCES] = {
    [PRESENCE_ONLINE] = "connected",
    [PRESENCE_OFFLINE] = "disconnected",
    [PRESENCE_ERROR] = "error",
};

static bool
find(const char *const *words, struct span word, enum presence *out)
{
	int i;

	for (i = 0; i <= PRESENCE_ERROR; i++) {
		if (span_is(word, words[i])) {
			*out = (enum presence)i;
			return true;
		}
	}
	return false;
}

bool
presence_by_name(struct span name, enum presence *out)
{
	return find(presence_names, name, out);
}

bool
presence_by_status(struct span word, enum presence *out)
{
	return find(presence_status_words, word, out);
}
