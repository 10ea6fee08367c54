/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/cell.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "model/timestamp.h"

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

bool
cell_is_secret(const struct schema_field *f, struct span value)
{
	return (f->flags & SCHEMA_WRITE_ONLY) != 0 && json_kind(value) != JSON_KIND_NULL;
}

void
cell_field(struct span object, const struct schema_field *f, bool open, struct buf *out)
{
	struct span value;

	if (!json_member(object, f->name, &value))
		return;
	if (!open && cell_is_secret(f, value))
		buf_puts(out, "********");
	else
		cell_put(out, value);
}

/* The server's own word for a choice, else the schema's. */
static bool
put_choice(struct span object, const struct schema_field *f, struct buf *out)
{
	const struct schema_choice *c;
	struct buf value = {0};
	char name[80];
	bool found;

	snprintf(name, sizeof(name), "%s_display", f->name);
	if (cell_member(object, name, out))
		return true;
	found = cell_member(object, f->name, &value);
	for (c = f->choices; found && c->value != NULL; c++) {
		if (strcmp(c->value, buf_str(&value)) == 0)
			break;
	}
	found = found && c->value != NULL;
	if (found)
		buf_puts(out, c->label);
	buf_release(&value);
	return found;
}

bool
cell_is_zoneless(struct span object, const struct schema_field *f)
{
	struct buf text = {0};
	int64_t us;
	bool zoneless = cell_member(object, f->name, &text) &&
	    timestamp_parse(buf_str(&text), &us) && !timestamp_has_zone(buf_str(&text));

	buf_release(&text);
	return zoneless;
}

/* A time of an unknown zone stays as it was sent. */
static bool
put_time(struct span object, const char *name, const char *zone, struct buf *out)
{
	struct buf text = {0};
	char local[32];
	struct tm tm;
	int64_t us;
	time_t t;
	bool known = cell_member(object, name, &text) &&
	    (zone != NULL || timestamp_has_zone(buf_str(&text))) &&
	    timestamp_parse_in(buf_str(&text), zone, &us);

	buf_release(&text);
	if (!known)
		return false;
	t = (time_t)(us / 1000000);
	if (localtime_r(&t, &tm) == NULL ||
	    strftime(local, sizeof(local), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return false;
	buf_puts(out, local);
	return true;
}

void
cell_words(struct span object, const struct schema_field *f, const char *zone, bool open,
    struct buf *out)
{
	bool done = false;

	if (f->type == SCHEMA_CHOICE || f->type == SCHEMA_CHOICE_INT)
		done = put_choice(object, f, out);
	else if (f->type == SCHEMA_TIME)
		done = put_time(object, f->name, zone, out);
	if (!done)
		cell_field(object, f, open, out);
}
