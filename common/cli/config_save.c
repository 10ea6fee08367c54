/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing keys of the user's configuration file without touching its other lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/config.h"

struct saving {
	struct buf out;
	const char *section; /* NULL: before the first section */
	const struct config_pair *pairs;
	size_t count;
	bool *done;
	bool inside;
	bool seen;
};

static void
put_rest(struct saving *s)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (!s->done[i] && s->pairs[i].value != NULL)
			buf_printf(
			    &s->out, "%s = %s\n", s->pairs[i].key, s->pairs[i].value);
		s->done[i] = true;
	}
}

static bool
names_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	return strncmp(line, key, n) == 0 && line[n + strspn(line + n, " \t")] == '=';
}

static int
on_line(void *arg, size_t number, char *line, struct err *err)
{
	struct saving *s = arg;
	size_t i;

	(void)number;
	(void)err;
	if (line[strspn(line, " \t")] == '[') {
		char *name = line + strspn(line, " \t") + 1;

		if (s->inside)
			put_rest(s);
		s->inside = s->section != NULL &&
		    strncmp(name, s->section, strlen(s->section)) == 0 &&
		    name[strlen(s->section)] == ']';
		s->seen |= s->inside;
	}
	for (i = 0; s->inside && i < s->count; i++) {
		if (!s->done[i] && names_key(line, s->pairs[i].key)) {
			if (s->pairs[i].value != NULL)
				buf_printf(&s->out, "%s = %s\n", s->pairs[i].key,
				    s->pairs[i].value);
			s->done[i] = true;
			return 0;
		}
	}
	buf_printf(&s->out, "%s\n", line);
	return 0;
}

/* What the reader refuses, or would take for two lines, would lock everybody out. */
static int
check_pair(const struct config_pair *pair, struct err *err)
{
	if (pair->value == NULL)
		return 0;
	if (pair->value[strcspn(pair->value, "\r\n")] != '\0')
		return err_set(err, ERR_USAGE, _("'%s': a value is one line"), pair->key);
	if (pair->value[0] == ';' || strstr(pair->value, " ;") != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s': ' ;' inside a value would start a comment"), pair->key);
	if (strlen(pair->key) + strlen(" = ") + strlen(pair->value) >= CONFIG_LINE)
		return err_set(err, ERR_USAGE, _("'%s': line longer than %d bytes"),
		    pair->key, CONFIG_LINE);
	return 0;
}

static int
save_locked(const char *path, struct saving *s, struct err *err)
{
	FILE *in = fopen(path, "re");
	int failed;

	if (in == NULL)
		return err_sys(err, ERR_USAGE, _("cannot read configuration '%s'"), path);
	failed = file_lines(in, path, on_line, s, err);
	fclose(in);
	if (!s->seen)
		buf_printf(&s->out, "%s[%s]\n", s->out.n != 0 ? "\n" : "", s->section);
	if (s->inside || !s->seen)
		put_rest(s);
	return failed ? -1 : file_write(path, buf_as_span(&s->out), 0600, err);
}

int
config_save(const char *path, const char *section, const struct config_pair *pairs,
    size_t count, struct err *err)
{
	struct saving s = {.section = section, .pairs = pairs, .count = count};
	int lock, failed = 0;
	size_t i;

	for (i = 0; i < count && !failed; i++)
		failed = check_pair(&pairs[i], err);
	if (failed || (lock = file_lock(path, err)) < 0)
		return -1;
	s.done = xcalloc(count, sizeof(*s.done));
	s.inside = s.seen = section == NULL;
	failed = save_locked(path, &s, err);
	close(lock);
	buf_release(&s.out);
	free(s.done);
	return failed;
}
