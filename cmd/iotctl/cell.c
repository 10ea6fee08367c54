/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell.h"

#include "base/json.h"

static bool
is_scalar(struct span value)
{
	enum json_kind kind = json_kind(value);

	return kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT;
}

static bool
is_plain_list(struct span value)
{
	struct json_iter it = {.value = value};

	if (json_kind(value) != JSON_KIND_ARRAY)
		return false;
	while (json_next(&it)) {
		if (!is_scalar(it.item))
			return false;
	}
	return true;
}

void
cell_put(struct buf *out, struct span value)
{
	struct json_iter it = {.value = value};
	bool first = true;

	if (json_kind(value) == JSON_KIND_NULL)
		return;
	if (json_kind(value) == JSON_KIND_STRING) {
		json_unescape(out, value);
	} else if (is_plain_list(value)) {
		while (json_next(&it)) {
			if (!first)
				buf_putc(out, ',');
			first = false;
			cell_put(out, it.item);
		}
	} else {
		json_put_compact(out, value);
	}
}

bool
cell_member(struct span object, const char *name, struct buf *out)
{
	struct span value;

	if (!json_member(object, name, &value) || json_kind(value) == JSON_KIND_NULL)
		return false;
	cell_put(out, value);
	return true;
}

void
cell_field(struct span object, const struct schema_field *f, struct buf *out)
{
	struct span value;

	if ((f->flags & SCHEMA_WRITE_ONLY) == 0)
		cell_member(object, f->name, out);
	else if (json_member(object, f->name, &value) &&
	    json_kind(value) != JSON_KIND_NULL)
		buf_puts(out, "********");
}
