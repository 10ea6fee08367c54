/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device's status message says. */
#include "base/json.h"
#include "model/timestamp.h"
#include "iotstatus/source/source.h"

bool
source_message_read(struct span payload, bool live, int64_t now, struct device_seen *out)
{
	struct span object, value;
	struct buf word = {0};
	bool known;

	*out = (struct device_seen){.known = true};
	known = json_check(payload, &object, NULL) &&
	    json_kind(object) == JSON_KIND_OBJECT &&
	    json_member_string(object, "status", &word) &&
	    presence_by_status(buf_as_span(&word), &out->state);
	buf_release(&word);
	if (!known)
		return false;
	if (json_member(object, "timestamp", &value))
		timestamp_of_device(value, now, &out->since);
	if (live && out->since == 0)
		out->since = now;
	/* That it went away is no sign of life now; retained, nothing is. */
	out->seen = live && out->state != PRESENCE_OFFLINE ? now : out->since;
	return true;
}
