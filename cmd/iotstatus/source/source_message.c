/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device's status message says. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "iotstatus/source/source.h"

/* Seconds or milliseconds since 1970; a device's millis() are neither. */
static int64_t
time_of(struct span number)
{
	char text[40];
	double v;

	if (json_kind(number) != JSON_KIND_NUMBER || number.n >= sizeof(text))
		return 0;
	memcpy(text, number.p, number.n);
	text[number.n] = '\0';
	if (!text_double(text, &v))
		return 0;
	if (v >= 1e9 && v < 1e11)
		return (int64_t)(v * 1e6);
	return v >= 1e12 && v < 1e14 ? (int64_t)(v * 1e3) : 0;
}

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
		out->since = time_of(value);
	if (live && out->since == 0)
		out->since = now;
	/* That it went away is no sign of life now; retained, nothing is. */
	out->seen = live && out->state != PRESENCE_OFFLINE ? now : out->since;
	return true;
}
