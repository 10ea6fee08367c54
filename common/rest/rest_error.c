/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/rest_error.h"

#include <ctype.h>
#include <jansson.h>
#include <strings.h>

#include "base/text.h"
#include "base/utf8.h"

/* Bytes that are shown of a page's title, and of the path to a field. */
enum { TITLE_MOST = 200, PATH_MOST = 400 };

/* Bodies name the whole object so; people read only the text. */
static bool
is_plain(const char *key)
{
	static const char *const plain[] = {
	    "non_field_errors", "detail", "error", "message"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(plain); i++) {
		if (strcmp(key, plain[i]) == 0)
			return true;
	}
	return false;
}

static void
put_path(struct buf *out, struct buf *where)
{
	const char *path = buf_str(where);

	if (where->n <= PATH_MOST)
		buf_puts(out, path);
	else
		buf_printf(out, "%.*s[...]", (int)utf8_cut(path, PATH_MOST), path);
	buf_puts(out, ": ");
}

static void
put_line(struct buf *out, struct buf *where, const char *text)
{
	size_t i;

	if (out->n != 0)
		buf_putc(out, '\n');
	if (where->n != 0)
		put_path(out, where);
	for (i = 0; text[i] != '\0'; i++)
		buf_putc(out, text[i] == '\n' ? ' ' : text[i]);
}

/* `where` is the path to the value, the same buffer at all depths. */
static void explain_value(json_t *value, struct buf *where, struct buf *out);

static void
explain_object(json_t *object, struct buf *where, struct buf *out)
{
	const size_t n = where->n;
	const char *key;
	json_t *value;
	bool has_detail = json_object_get(object, "detail") != NULL;

	json_object_foreach (object, key, value) {
		/* Of a refused token: said by `detail` already. */
		if (has_detail && strcmp(key, "detail") != 0)
			continue;
		if (json_is_boolean(value) && strcmp(key, "success") == 0)
			continue;
		if (isdigit((unsigned char)key[0]))
			buf_printf(where, "[%s]", key);
		else if (!is_plain(key))
			buf_printf(where, "%s%s", n != 0 ? "." : "", key);
		explain_value(value, where, out);
		where->n = n;
	}
}

static void
explain_array(json_t *array, struct buf *where, struct buf *out)
{
	const size_t n = where->n;
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item) {
		if (!json_is_string(item))
			buf_printf(where, "[%zu]", i);
		explain_value(item, where, out);
		where->n = n;
	}
}

static void
explain_value(json_t *value, struct buf *where, struct buf *out)
{
	char *text;

	if (json_is_object(value)) {
		explain_object(value, where, out);
	} else if (json_is_array(value)) {
		explain_array(value, where, out);
	} else if (json_is_string(value)) {
		put_line(out, where, json_string_value(value));
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY);
		put_line(out, where, text != NULL ? text : "?");
		free(text);
	}
}

/* Where the one line of a page begins: its title, or a text's first line (Django's debug page for
 * those who want no HTML). The body's end when there is none. */
static size_t
find_title(struct span body)
{
	static const char open[] = "<title>";
	size_t i = 0;

	while (i < body.n && isspace((unsigned char)body.p[i]))
		i++;
	if (i < body.n && body.p[i] != '<')
		return i;
	for (; i + sizeof(open) - 1 <= body.n; i++) {
		if (strncasecmp(body.p + i, open, sizeof(open) - 1) == 0)
			return i + sizeof(open) - 1;
	}
	return body.n;
}

/* The page's title or a text's first line, white space folded; nothing when there is none. */
static void
put_title(struct buf *out, struct span body)
{
	size_t i = find_title(body);
	char end = i > 0 && i < body.n && body.p[i - 1] == '>' ? '<' : '\n';
	bool blank = true;

	for (; i < body.n && body.p[i] != end && out->n <= TITLE_MOST; i++) {
		bool space = isspace((unsigned char)body.p[i]) != 0;

		if (!space)
			buf_putc(out, body.p[i]);
		else if (!blank)
			buf_putc(out, ' ');
		blank = space;
	}
	if (out->n > TITLE_MOST) {
		out->n = utf8_cut(out->p, TITLE_MOST);
		buf_puts(out, " [...]");
	}
	while (out->n != 0 && out->p[out->n - 1] == ' ')
		out->n--;
}

void
rest_error_explain(long status, struct span body, struct buf *out)
{
	json_t *json =
	    json_loadb(body.p != NULL ? body.p : "", body.n, JSON_DECODE_ANY, NULL);
	struct buf title = {0}, where = {0};

	if (json != NULL)
		explain_value(json, &where, out);
	else
		put_title(&title, body);
	json_decref(json);
	buf_release(&where);
	if (out->n != 0)
		return;
	buf_printf(out, _("the API answered %ld"), status);
	if (title.n != 0)
		buf_printf(out, ": %s", buf_str(&title));
	buf_release(&title);
}

static enum err_code
code_of(long status)
{
	switch (status) {
	case 401:
	case 403: return ERR_AUTH;
	case 404: return ERR_NOT_FOUND;
	case 408:
	case 429: return ERR_UNREACHABLE;
	default: break;
	}
	if (status >= 500)
		return ERR_UNREACHABLE;
	return status >= 400 ? ERR_REFUSED : ERR_PROTOCOL;
}

const char *
rest_error_peer(const struct rest_peer *p)
{
	return p->emqx ? "EMQX" : _("the API");
}

/* The server's lines in one. */
static void
put_reasons(struct buf *out, const struct rest_reply *reply)
{
	struct buf lines = {0};
	const char *line, *end;

	rest_error_explain(reply->status, buf_as_span(&reply->body), &lines);
	for (line = buf_str(&lines); *line != '\0'; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		buf_puts(out, out->n != 0 ? "; " : "");
		buf_put(out, line, (size_t)(end - line));
	}
	buf_release(&lines);
}

void
rest_error_set(const struct rest_peer *p, const struct rest_reply *reply, struct err *err)
{
	const char *name = rest_error_peer(p);
	struct buf lines = {0};

	if (reply->status < 400) {
		err_set(err, ERR_PROTOCOL,
		    _("%s at '%s' answered %ld, a redirect to '%s': is the URL right?"),
		    name, p->url, reply->status,
		    reply->location != NULL ? reply->location : "?");
		return;
	}
	if (reply->status >= 500 && p->emqx) {
		err_set(err, code_of(reply->status), _("%s at '%s' failed (%ld)"), name,
		    p->url, reply->status);
		return;
	}
	put_reasons(&lines, reply);
	if (reply->status >= 500)
		err_set(err, code_of(reply->status), _("%s at '%s' failed (%ld): %s"),
		    name, p->url, reply->status, buf_str(&lines));
	else if (reply->status == 401)
		err_set(err, ERR_AUTH,
		    p->emqx ? _("%s at '%s' refused the key: %s")
			    : _("%s at '%s' refused the token: %s"),
		    name, p->url, buf_str(&lines));
	else if (p->emqx)
		err_set(err, code_of(reply->status), _("%s at '%s' answered %ld: %s"),
		    name, p->url, reply->status, buf_str(&lines));
	else
		err_set(err, code_of(reply->status), "%s", buf_str(&lines));
	buf_release(&lines);
}
