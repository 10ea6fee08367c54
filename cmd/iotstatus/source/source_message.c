/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device's status message says. */
#include "base/json.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotstatus/source/source.h"

static bool
state_of(struct span word, enum presence *out)
{
	static const struct {
		const char *word;
		enum presence state;
	} words[] = {
	    {"\"connected\"", PRESENCE_ONLINE},
	    {"\"disconnected\"", PRESENCE_OFFLINE},
	    {"\"error\"", PRESENCE_ERROR},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (span_is(word, words[i].word)) {
			*out = words[i].state;
			return true;
		}
	}
	return false;
}

bool
source_message_read(struct span payload, bool live, int64_t now, struct device_seen *out)
{
	struct span object, value;

	*out = (struct device_seen){.known = true};
	if (!json_check(payload, &object, NULL) ||
	    json_kind(object) != JSON_KIND_OBJECT ||
	    !json_member(object, "status", &value) || !state_of(value, &out->state))
		return false;
	if (json_member(object, "timestamp", &value))
		timestamp_of_device(value, now, &out->since);
	if (live && out->since == 0)
		out->since = now;
	/* That it went away is no sign of life now; retained, nothing is. */
	out->seen = live && out->state != PRESENCE_OFFLINE ? now : out->since;
	return true;
}
