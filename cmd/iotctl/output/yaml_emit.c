/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as YAML for people's eyes: the same values, numbers digit for digit. */
#include "iotctl/output/yaml_emit.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"

/* YAML looks no further than 1024 characters for the colon behind a key. */
enum { STEP = 2, KEY_MAX = 1000 };

/* Words that some reader of YAML takes for something else than text. */
static bool
is_reserved(const char *s)
{
	static const char *const words[] = {
	    "true", "false", "null", "yes", "no", "on", "off", "y", "n"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(s, words[i]) == 0)
			return true;
	}
	return false;
}

/* Text that needs no quotes, and no rules to know that. */
static bool
is_plain(const char *s)
{
	size_t n = strlen(s), i = 0;

	if (!isalpha((unsigned char)s[0]) || is_reserved(s) || s[n - 1] == ' ')
		return false;
	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		uint32_t cp;
		size_t bytes = utf8_read((const unsigned char *)s + i, n - i, &cp);

		if (bytes == 0 || !utf8_is_harmless(cp) || cp == 0xFEFF ||
		    (c < 0x80 && !isalnum(c) && strchr(" _-./@+,()", c) == NULL))
			return false;
		i += bytes;
	}
	return true;
}

/* YAML takes some characters for line ends that JSON does not. */
static void
put_quoted(struct buf *out, struct span text)
{
	struct buf json = {0};

	json_put_string(&json, text);
	visible_put_json(out, buf_as_span(&json));
	buf_release(&json);
}

/* Lines that can stand as they are, such as a PEM. */
static bool
is_block(const char *s)
{
	size_t i;

	if (strchr(s, '\n') == NULL || isspace((unsigned char)s[0]))
		return false;
	for (i = 0; s[i] != '\0'; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' && c != '\n') || c >= 0x7F ||
		    (c == '\n' && (i > 0 && s[i - 1] == ' ')))
			return false;
	}
	/* More than one line end at the end would need another mark. */
	return i < 2 || s[i - 1] != '\n' || s[i - 2] != '\n';
}

static void
put_block(struct buf *out, const char *s, int indent)
{
	size_t n = strlen(s);

	buf_puts(out, s[n - 1] == '\n' ? "|" : "|-");
	while (*s != '\0') {
		size_t line = strcspn(s, "\n");

		buf_printf(out, "\n%*s%.*s", line != 0 ? indent : 0, "", (int)line, s);
		s += line + (s[line] == '\n');
	}
}

static void
put_text(struct buf *out, struct span value, int indent)
{
	struct buf text = {0};

	json_unescape(&text, value);
	if (memchr(buf_as_span(&text).p, '\0', text.n) != NULL)
		put_quoted(out, buf_as_span(&text));
	else if (is_plain(buf_str(&text)))
		buf_span(out, buf_as_span(&text));
	else if (is_block(buf_str(&text)))
		put_block(out, buf_str(&text), indent);
	else
		put_quoted(out, buf_as_span(&text));
	buf_release(&text);
}

static bool
is_empty(struct span value)
{
	struct json_iter it = {.value = value};

	return !json_next(&it);
}

/* A key is one line, and a long one must say that it is a key. */
static void
put_key(struct buf *out, struct span key, int indent)
{
	struct buf name = {0}, text = {0};

	json_unescape(&name, key);
	if (strlen(buf_str(&name)) == name.n && is_plain(buf_str(&name)))
		buf_span(&text, buf_as_span(&name));
	else
		put_quoted(&text, buf_as_span(&name));
	if (text.n <= KEY_MAX)
		buf_span(out, buf_as_span(&text));
	else
		buf_printf(out, "? %s\n%*s", buf_str(&text), indent, "");
	buf_putc(out, ':');
	buf_release(&text);
	buf_release(&name);
}

/* What follows "key:" or "-"; `inside` where the first line of it begins, -1: on a line of its own. */
static void
put_value(struct buf *out, struct span value, int indent, bool inside)
{
	enum json_kind kind = json_kind(value);
	struct json_iter it = {.value = value};
	bool first = true;

	if (kind == JSON_KIND_STRING) {
		buf_putc(out, ' ');
		put_text(out, value, indent);
		return;
	}
	if ((kind != JSON_KIND_ARRAY && kind != JSON_KIND_OBJECT) || is_empty(value)) {
		buf_putc(out, ' ');
		json_put_compact(out, value);
		return;
	}
	while (json_next(&it)) {
		if (first && inside)
			buf_putc(out, ' ');
		else
			buf_printf(out, "\n%*s", indent, "");
		first = false;
		if (kind == JSON_KIND_OBJECT) {
			put_key(out, it.key, indent);
			put_value(out, it.item, indent + STEP, false);
		} else {
			buf_putc(out, '-');
			put_value(out, it.item, indent + STEP, true);
		}
	}
}

void
yaml_emit_item(struct buf *out, struct span value)
{
	buf_putc(out, '-');
	put_value(out, value, STEP, true);
	buf_putc(out, '\n');
}

void
yaml_emit_put(struct buf *out, struct span value)
{
	struct buf text = {0};

	put_value(&text, value, 0, true);
	buf_span(out, (struct span){text.p + 1, text.n - 1});
	buf_putc(out, '\n');
	buf_release(&text);
}
