/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of the shell: its words, its pipe, and whether it may be remembered. */
#include "iotctl/shell/words.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/schema.h"
#include "iotctl/core/field.h"

/* Takes what stands in quotes; `at` is behind the opening one. Returns the closing one, or the end. */
static const char *
take_quoted(const char *at, char quote, struct buf *word)
{
	for (; *at != '\0' && *at != quote; at++) {
		if (quote == '"' && at[0] == '\\' && at[1] != '\0' &&
		    strchr("\"\\", at[1]) != NULL)
			at++;
		buf_putc(word, *at);
	}
	return at;
}

/* One word; `at` is at its first character. */
static const char *
take_word(const char *at, struct words *out)
{
	struct buf word = {0};

	while (*at != '\0' && strchr(" \t\n|", *at) == NULL) {
		if (*at == '\'' || *at == '"') {
			at = take_quoted(at + 1, *at, &word);
			if (*at == '\0') {
				out->open = true;
				break;
			}
			at++;
		} else if (at[0] == '\\' && (at[1] == '\0' || at[1] == '\n')) {
			out->open = at[1] == '\0';
			at += out->open ? 1 : 2;
		} else {
			at += *at == '\\';
			buf_putc(&word, *at++);
		}
	}
	strv_add(&out->words, buf_str(&word));
	if (word.p != NULL)
		explicit_bzero(word.p, word.n);
	buf_release(&word);
	return at;
}

void
words_split(const char *text, struct words *out)
{
	*out = (struct words){0};
	for (;;) {
		text += strspn(text, " \t\n");
		if (*text == '\0' || *text == '#' || *text == '|')
			break;
		if (text[0] == '\\' && (text[1] == '\n' || text[1] == '\0')) {
			out->open = text[1] == '\0';
			text += out->open ? 1 : 2;
			continue;
		}
		text = take_word(text, out);
	}
	out->rest = text;
	if (*text == '|')
		out->pipe = text + 1;
}

void
words_release(struct words *l)
{
	size_t i;

	for (i = 0; i < l->words.n; i++)
		explicit_bzero(l->words.v[i], strlen(l->words.v[i]));
	strv_release(&l->words);
}

static bool
is_secret_field(struct span name)
{
	char *field = xstrndup(name.p, name.n);
	const struct schema_resource *r;
	bool secret = false;

	for (r = schema; r->name != NULL && !secret; r++) {
		const struct schema_field *f = schema_field(r, field);

		secret = f != NULL && (f->flags & SCHEMA_WRITE_ONLY) != 0;
	}
	free(field);
	return secret;
}

/* Whether a name that sounds like a secret's is followed by a value; --password-file=FILE tells nothing. */
static bool
has_mark(const char *word, const char *mark)
{
	while ((word = strcasestr(word, mark)) != NULL) {
		const char *end;

		word += strlen(mark);
		end = word + strcspn(word, "-_=:");
		if (strpbrk(end, "=:") != NULL && strncmp(end, "-file", 5) != 0 &&
		    strncmp(end, "_file", 5) != 0)
			return true;
	}
	return false;
}

/* "password":..., --mqtt-pw, mqtt://user:password@host: whatever looks like it. */
static bool
looks_secret(const char *word)
{
	static const char *const marks[] = {
	    "pass", "contrase", "clave", "secret", "token", "_key", "apikey", "-pw"};
	const char *user = strstr(word, "://");
	size_t i;

	if (user != NULL && strchr(user + 3, '@') != NULL &&
	    strchr(user + 3, ':') != NULL)
		return true;
	for (i = 0; i < ARRAY_LEN(marks); i++) {
		if (has_mark(word, marks[i]))
			return true;
	}
	return strncmp(word, "--mqtt-pw", 9) == 0;
}

bool
words_have_secret(const struct words *l)
{
	size_t i;

	for (i = 0; i < l->words.n; i++) {
		struct field_word w = field_split(l->words.v[i]);

		if (w.op != FIELD_NONE && w.op != FIELD_FILE && is_secret_field(w.name))
			return true;
		if (w.op != FIELD_FILE && looks_secret(l->words.v[i]))
			return true;
	}
	return looks_secret(l->rest);
}
