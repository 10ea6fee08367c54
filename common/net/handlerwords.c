/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/handlerpart.h"

#define BLANKS " \t\n"

/* Appends what stands between quotes; returns the closing one, or NULL. */
static const char *
take_quoted(struct buf *word, const char *at)
{
	char quote = *at++;

	for (; *at != '\0' && *at != quote; at++) {
		if (quote == '"' && at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		buf_putc(word, *at);
	}
	return *at == quote ? at : NULL;
}

/* Appends one word; returns where it ends, or NULL. */
static const char *
take_word(struct buf *word, const char *at)
{
	for (; *at != '\0' && strchr(BLANKS, *at) == NULL; at++) {
		if (*at == '\'' || *at == '"') {
			at = take_quoted(word, at);
			if (at == NULL)
				return NULL;
			continue;
		}
		if (*at == '\\' && at[1] != '\0')
			at++;
		buf_putc(word, *at);
	}
	return at;
}

int
command_words(const char *text, char ***out, struct err *err)
{
	struct buf word = {0};
	const char *at = text + strspn(text, BLANKS);
	size_t n = 0;

	*out = xcalloc(1, sizeof(**out));
	while (at != NULL && *at != '\0') {
		at = take_word(&word, at);
		*out = xreallocarray(*out, n + 2, sizeof(**out));
		(*out)[n++] = buf_steal(&word);
		(*out)[n] = NULL;
		if (at != NULL)
			at += strspn(at, BLANKS);
	}
	if (at == NULL)
		return err_set(
		    err, ERR_USAGE, _("command '%s': a quote is not closed"), text);
	if (n == 0 || (*out)[0][0] == '\0')
		return err_set(err, ERR_USAGE, _("the command is empty"));
	return 0;
}

void
command_words_free(char **words)
{
	size_t i;

	for (i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

int
command_find(const char *name, char **path, struct err *err)
{
	const char *list = getenv("PATH");
	struct strv dirs = {0};
	size_t i;

	if (strchr(name, '/') != NULL) {
		if (access(name, X_OK) != 0)
			return err_sys(err, ERR_USAGE, _("cannot run '%s'"), name);
		*path = xstrdup(name);
		return 0;
	}
	strv_split(&dirs, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin", ':');
	for (i = 0; *path == NULL && i < dirs.n; i++) {
		*path = xasprintf("%s/%s", dirs.v[i], name);
		if (access(*path, X_OK) != 0) {
			free(*path);
			*path = NULL;
		}
	}
	strv_release(&dirs);
	return *path != NULL ? 0
			     : err_set(err, ERR_USAGE,
				   _("cannot run '%s': there is no such program"), name);
}
