/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/json_in.h"

#include "base/json.h"

static void
put_place(struct buf *why, struct span text, size_t at)
{
	size_t line = 1, begin = 0, i;

	for (i = 0; i < at && i < text.n; i++) {
		if (text.p[i] == '\n') {
			line++;
			begin = i + 1;
		}
	}
	buf_printf(why, "line %zu column %zu (char %zu)", line, at - begin + 1, at);
}

/* Whether a scan stopped at a bracket since there are JSON_TAKEN around it. */
static bool
is_too_deep(struct span text, size_t at)
{
	bool in_string = false;
	size_t depth = 0, i;

	for (i = 0; i < at; i++) {
		if (in_string && text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			in_string = !in_string;
		else if (!in_string && strchr("{[", text.p[i]) != NULL)
			depth++;
		else if (!in_string && strchr("}]", text.p[i]) != NULL)
			depth--;
	}
	return depth == JSON_TAKEN && at < text.n && strchr("{[", text.p[at]) != NULL;
}

bool
json_in_check(struct span text, struct span *value, struct buf *why)
{
	struct json_scan scan = {.depth = JSON_TAKEN};

	if (json_scan(text, &scan)) {
		*value = scan.value;
		return true;
	}
	if (is_too_deep(text, scan.at))
		buf_printf(why, "nested deeper than %d: ", JSON_TAKEN);
	else
		buf_puts(why, scan.at >= text.n ? "it ends too early: " : "no JSON: ");
	put_place(why, text, scan.at);
	return false;
}

/* An upper bound that costs nothing: what separates or begins values, outside of strings. The text is JSON. */
static size_t
count_values(struct span text)
{
	bool in_string = false;
	size_t n = 1, i;

	for (i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			in_string = !in_string;
		else if (!in_string)
			n += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
	}
	return n;
}

static size_t
text_before(const char *text, const char *end)
{
	const char *at = strstr(text, end);

	return at != NULL ? (size_t)(at - text) : strlen(text);
}

json_t *
json_in_read(struct span text, struct buf *why)
{
	json_error_t where;
	struct span value;
	json_t *v;

	if (!json_in_check(text, &value, why))
		return NULL;
	if (count_values(value) > JSON_IN_VALUES) {
		buf_printf(why, "more than %d values", JSON_IN_VALUES);
		return NULL;
	}
	v = json_loadb(
	    value.p, value.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
	if (v == NULL) {
		/* Without "near" what stands there: it may be a password. */
		buf_put(why, where.text, text_before(where.text, " near "));
		buf_puts(why, ": ");
		put_place(why, text, (size_t)(value.p - text.p) + (size_t)where.position);
	}
	return v;
}
