/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What json_check accepts is what a plain reader accepts, one byte after the other, and can be walked, unescaped and
 * compacted; compacting twice is the same. Whatever stands behind a text changes nothing. */
#include <stdlib.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/visible.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static void
walk(struct span value, int depth)
{
	struct json_iter it = {.value = value};
	enum json_kind kind = json_kind(value);
	struct buf b = {0};

	require(kind != JSON_KIND_NONE);
	if (kind == JSON_KIND_STRING) {
		struct span again;

		json_unescape(&b, value);
		value = buf_as_span(&b);
		{
			struct buf quoted = {0};

			json_put_string(&quoted, value);
			require(json_check(buf_as_span(&quoted), &again, NULL));
			buf_release(&quoted);
		}
	} else if (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) {
		while (depth < 64 && json_next(&it)) {
			if (kind == JSON_KIND_OBJECT)
				walk(it.key, depth + 1);
			walk(it.item, depth + 1);
		}
	}
	buf_release(&b);
}

/* What the scan kept on its way is what a walk finds. */
static void
compare_members(const struct json_scan *found)
{
	struct json_iter it = {.value = found->value};
	size_t n = 0;

	while (json_kind(it.value) == JSON_KIND_OBJECT && json_next(&it)) {
		if (n < found->room) {
			require(found->pairs[n].name.p == it.key.p &&
			    found->pairs[n].name.n == it.key.n);
			require(found->pairs[n].value.p == it.item.p &&
			    found->pairs[n].value.n == it.item.n);
		}
		n++;
	}
	require(n == found->members);
}

/* The plain reader: what it accepts, and that without white space. */
struct plain {
	const unsigned char *p, *end;
	struct buf compact;
	int depth;
};

static bool
sees(const struct plain *r, const char *any)
{
	return r->p < r->end && *r->p != '\0' && strchr(any, *r->p) != NULL;
}

static bool
takes(struct plain *r, const char *any)
{
	if (!sees(r, any))
		return false;
	buf_putc(&r->compact, (char)*r->p++);
	return true;
}

static void
skip_blanks(struct plain *r)
{
	while (sees(r, " \t\r\n"))
		r->p++;
}

static bool
read_digits(struct plain *r)
{
	bool any = false;

	while (takes(r, "0123456789"))
		any = true;
	return any;
}

static bool
read_number(struct plain *r)
{
	takes(r, "-");
	if (!takes(r, "0") && !read_digits(r))
		return false;
	if (takes(r, ".") && !read_digits(r))
		return false;
	if (!takes(r, "eE"))
		return true;
	takes(r, "+-");
	return read_digits(r);
}

static long
read_unit(struct plain *r)
{
	char hex[5] = "";
	int i;

	for (i = 0; i < 4; i++) {
		if (!takes(r, "0123456789abcdefABCDEF"))
			return -1;
		hex[i] = (char)r->p[-1];
	}
	return strtol(hex, NULL, 16);
}

static bool
read_escape(struct plain *r)
{
	long unit;

	if (!takes(r, "u"))
		return takes(r, "\"\\/bfnrt");
	unit = read_unit(r);
	if (unit < 0xD800 || unit > 0xDFFF)
		return unit >= 0;
	if (unit >= 0xDC00 || !takes(r, "\\") || !takes(r, "u"))
		return false;
	unit = read_unit(r);
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

static bool
read_string(struct plain *r)
{
	uint32_t cp;

	if (!takes(r, "\""))
		return false;
	while (!takes(r, "\"")) {
		size_t n;

		if (takes(r, "\\")) {
			if (!read_escape(r))
				return false;
			continue;
		}
		n = r->p < r->end && *r->p >= 0x20
		    ? utf8_read(r->p, (size_t)(r->end - r->p), &cp)
		    : 0;
		if (n == 0)
			return false;
		buf_put(&r->compact, r->p, n);
		r->p += n;
	}
	return true;
}

static bool
read_word(struct plain *r, const char *word)
{
	while (*word != '\0' && takes(r, (char[]){*word, '\0'}))
		word++;
	return *word == '\0';
}

static bool read_plain(struct plain *r);

static bool
read_container(struct plain *r, bool object)
{
	const char *closing = object ? "}" : "]";

	buf_putc(&r->compact, (char)*r->p++);
	skip_blanks(r);
	if (takes(r, closing))
		return true;
	do {
		skip_blanks(r);
		if (object) {
			if (!read_string(r))
				return false;
			skip_blanks(r);
			if (!takes(r, ":"))
				return false;
		}
		if (!read_plain(r))
			return false;
	} while (takes(r, ","));
	return takes(r, closing);
}

/* A value, and the white space around it. */
static bool
read_plain(struct plain *r)
{
	bool good = false;

	skip_blanks(r);
	if (sees(r, "{[")) {
		good = r->depth++ < JSON_DEPTH && read_container(r, *r->p == '{');
		r->depth--;
	} else if (sees(r, "\"")) {
		good = read_string(r);
	} else if (sees(r, "-0123456789")) {
		good = read_number(r);
	} else if (sees(r, "tfn")) {
		good = read_word(r,
		    *r->p == 't'       ? "true"
			: *r->p == 'f' ? "false"
				       : "null");
	}
	skip_blanks(r);
	return good;
}

static bool
accepts(struct plain *r, struct span text)
{
	*r = (struct plain){.p = (const unsigned char *)text.p};
	r->end = r->p + text.n;
	return read_plain(r) && r->p == r->end;
}

/* In memory of its own: a byte too many is seen. */
static void
compare_padded(struct span text, char behind, bool good, struct span compact)
{
	char *padded = xmalloc(text.n + ASCII_PLAIN_PADDING);
	char *to = xmalloc(text.n + ASCII_PLAIN_PADDING);
	struct json_pair pairs[4];
	struct json_scan found = {.pairs = pairs, .room = 4};

	if (text.n > 0)
		memcpy(padded, text.p, text.n);
	memset(padded + text.n, behind, ASCII_PLAIN_PADDING);
	require(json_scan_padded((struct span){padded, text.n}, &found, to) == good);
	if (good) {
		require(found.value.n - found.blanks == compact.n);
		require(memcmp(to, compact.p, compact.n) == 0);
		compare_members(&found);
	}
	free(padded);
	free(to);
}

static void
compare_with_plain(struct span text, bool good)
{
	static const char behind[] = "\0000\"}],: x\\";
	struct plain plain;
	size_t i;

	require(accepts(&plain, text) == good);
	for (i = 0; i < sizeof(behind); i++)
		compare_padded(text, behind[i], good, buf_as_span(&plain.compact));
	buf_release(&plain.compact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct json_pair pairs[4];
	struct json_scan found = {.pairs = pairs, .room = 4};
	struct buf compact = {0}, twice = {0};
	const bool good = json_scan(text, &found);

	compare_with_plain(text, good);
	if (!good) {
		require(found.at <= size);
		return 0;
	}
	walk(found.value, 0);
	compare_members(&found);
	json_put_compact(&compact, found.value);
	require(compact.n == found.value.n - found.blanks);
	require(json_scan(buf_as_span(&compact), &found) && found.blanks == 0);
	json_put_compact(&twice, found.value);
	require(span_eq(buf_as_span(&compact), buf_as_span(&twice)));
	visible_put_json(&twice, buf_as_span(&compact));
	buf_release(&compact);
	buf_release(&twice);
	return 0;
}
