/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/presence.h"

#include "base/json.h"

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

bool
presence_by_message(struct span payload, enum presence *out)
{
	struct span object;
	struct buf word = {0};
	bool known = json_check(payload, &object, NULL) &&
	    json_kind(object) == JSON_KIND_OBJECT &&
	    json_member_string(object, "status", &word) &&
	    presence_by_status(buf_as_span(&word), out);

	buf_release(&word);
	return known;
}

void
presence_put_message(
    struct buf *out, const char *device, enum presence state, int64_t time)
{
	buf_puts(out, "{\"device_id\":");
	json_put_string(out, span_of(device));
	buf_printf(out, ",\"status\":\"%s\",\"timestamp\":%lld}",
	    presence_status_words[state], (long long)time);
}
