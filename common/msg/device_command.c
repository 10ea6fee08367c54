/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "msg/device_command.h"

#include "base/json.h"

bool
device_command_id(struct span payload, struct span *id)
{
	struct span value;
	enum json_kind kind;

	if (!json_check(payload, &value, NULL) || json_kind(value) != JSON_KIND_OBJECT ||
	    !json_member(value, "id", id))
		return false;
	kind = json_kind(*id);
	return kind == JSON_KIND_STRING || kind == JSON_KIND_NUMBER;
}

void
device_command_id_text(struct buf *out, struct span id)
{
	if (json_kind(id) == JSON_KIND_STRING)
		json_unescape(out, id);
	else
		buf_span(out, id);
}

static void
put_result(struct buf *out, struct span result)
{
	struct span value;

	if (json_check(result, &value, NULL)) {
		json_put_compact(out, value);
		return;
	}
	if (result.n != 0 && result.p[result.n - 1] == '\n')
		result.n--;
	if (result.n == 0)
		buf_puts(out, "null");
	else
		json_put_text(out, result);
}

void
device_command_answer(struct buf *out, struct span id, struct span device_id,
    const char *status, struct span result)
{
	buf_puts(out, "{\"id\":");
	buf_span(out, id);
	buf_puts(out, ",\"device_id\":");
	json_put_text(out, device_id);
	buf_puts(out, ",\"status\":\"");
	buf_puts(out, status);
	buf_puts(out, "\",\"result\":");
	put_result(out, result);
	buf_putc(out, '}');
}
