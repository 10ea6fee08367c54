/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion, for the shell and for those of the system: from the tables and from what the API has. */
#include "iotctl/shell/complete.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/command.h"
#include "iotctl/run.h"
#include "iotctl/shell/names_cache.h"

struct completing {
	struct ctl *c;
	const char *word;
	size_t n; /* of the word, of which every candidate must begin */
	struct strv *out;
};

static void
offer(struct completing *k, const char *before, const char *text, const char *after)
{
	char *whole = xasprintf("%s%s%s", before, text, after);
	size_t i = 0;

	if (strncmp(whole, k->word, k->n) == 0) {
		while (i < k->out->n && strcmp(k->out->v[i], whole) != 0)
			i++;
		if (i == k->out->n)
			strv_add(k->out, whole);
	}
	free(whole);
}

static void
offer_names(struct completing *k, const char *before, const char *resource)
{
	const struct schema_resource *r = resource != NULL ? schema_find(resource) : NULL;
	struct strv names = {0};
	size_t i;

	if (r == NULL)
		return;
	names_cache_live(k->c, r, &names);
	for (i = 0; i < names.n; i++)
		offer(k, before, names.v[i], "");
	strv_release(&names);
}

/* Those that the command of these words uses. */
static void
offer_options(struct completing *k, const struct strv *words)
{
	const char *second = words->n > 1 ? words->v[1] : NULL;
	const struct opt *o;

	for (o = k->c->set->program->opts; o->type != OPT_TYPE_END; o++) {
		if (o->type != OPT_TYPE_GROUP && o->name != NULL &&
		    (o->flags & OPT_HIDDEN) == 0 &&
		    (words->n == 0 || command_uses(words->v[0], second, o)))
			offer(k, "--", o->name, "");
	}
}

/* The values of a field; of a list only its last one is completed. */
static void
offer_values(struct completing *k, const struct schema_field *f, const char *value)
{
	const char *comma = strrchr(value, ',');
	const char *from = f->type == SCHEMA_REFS && comma != NULL ? comma + 1 : value;
	char *before = xstrndup(k->word, (size_t)(from - k->word));
	const struct schema_choice *choice;

	for (choice = f->choices; choice != NULL && choice->value != NULL; choice++)
		offer(k, before, choice->value, "");
	if (f->type == SCHEMA_BOOL) {
		offer(k, before, "yes", "");
		offer(k, before, "no", "");
	}
	if (f->ref != NULL)
		offer_names(k, before, f->ref);
	free(before);
}

static void
offer_fields(struct completing *k, const struct schema_resource *r, bool list)
{
	const struct schema_filter *filter;
	const struct schema_field *f;

	for (f = r->fields; f->name != NULL; f++) {
		bool secret = (f->flags & SCHEMA_WRITE_ONLY) != 0;

		if (list ? secret : (f->flags & (SCHEMA_READ_ONLY | SCHEMA_DERIVED)) != 0)
			continue;
		offer(k, "", f->name, secret ? "@" : "=");
	}
	for (filter = r->filters; list && filter->name != NULL; filter++)
		offer(k, "", filter->name, "=");
}

/* FIELD@FILE. A name that breaks a line cannot be offered. */
static void
offer_files(struct completing *k, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *from = slash != NULL ? slash + 1 : path;
	char *before = xstrndup(k->word, (size_t)(from - k->word));
	char *name = from > path ? xstrndup(path, (size_t)(from - path)) : xstrdup(".");
	DIR *dir = opendir(name);
	struct dirent *d;
	struct stat st;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		bool is_dir =
		    fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);

		if ((d->d_name[0] != '.' || *from == '.') &&
		    strpbrk(d->d_name, "\r\n") == NULL)
			offer(k, before, d->d_name, is_dir ? "/" : "");
	}
	if (dir != NULL)
		closedir(dir);
	free(name);
	free(before);
}

/* FIELD=..., FIELD+=..., FIELD@...: the value. Returns whether it is one. */
static bool
offer_field_value(struct completing *k, const struct schema_resource *r)
{
	size_t n = strspn(k->word, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *op = k->word + n;
	char *name = xstrndup(k->word, n);
	const struct schema_field *f = schema_field(r, name);

	free(name);
	if (n == 0 || f == NULL || strchr("=+-@:", *op) == NULL || *op == '\0')
		return false;
	if (*op == '@')
		offer_files(k, op + 1);
	op += strspn(op, "+-");
	if (*op == '=')
		offer_values(k, f, op + 1);
	return true;
}

static void
offer_operands(struct completing *k, const struct strv *words)
{
	const struct command *command;
	size_t i;

	for (i = 0; (command = command_row(i)) != NULL; i++) {
		const char *path = command->path;
		size_t used = strchr(path, ' ') != NULL ? 2 : 1;
		char *said = xasprintf("%s%s%s", words->v[0], used == 2 ? " " : "",
		    used == 2 && words->n > 1 ? words->v[1] : "");
		bool same = strcmp(said, path) == 0;

		free(said);
		if (!same || words->n < used)
			continue;
		offer_names(k, "", words->n == used ? command->first : command->others);
	}
}

static void
offer_of_verb(struct completing *k, const struct schema_resource *r, const char *word)
{
	const struct verb *verb = command_find_verb(word);
	unsigned takes = verb != NULL ? verb->takes : 0;

	if (offer_field_value(k, r))
		return;
	if ((takes & VERB_NAMES) != 0)
		offer_names(k, "", r->name);
	if ((takes & (VERB_FIELDS | VERB_FILTERS)) != 0)
		offer_fields(k, r, (takes & VERB_FILTERS) != 0);
}

static bool
is_option(const struct opt *o, const char *word)
{
	if (word[0] != '-')
		return false;
	if (word[1] == '-')
		return o->name != NULL && strcmp(o->name, word + 2) == 0;
	return o->letter != 0 && o->letter == word[1] && word[2] == '\0';
}

/* Adds the words that are neither options nor their values. */
static void
plain_words(const struct ctl *c, const struct strv *before, struct strv *out)
{
	const struct opt *o;
	size_t i;

	for (i = 0; i < before->n; i++) {
		const char *w = before->v[i];

		if (w[0] != '-' || w[1] == '\0') {
			strv_add(out, w);
			continue;
		}
		for (o = c->set->program->opts; o->type != OPT_TYPE_END; o++) {
			if (o->type != OPT_TYPE_GROUP && o->arg != NULL &&
			    is_option(o, w))
				i++;
		}
	}
}

/* The values of the option that the last word is, if it is one whose values are known. */
static bool
offer_option_values(struct completing *k, const char *option)
{
	const struct opt *o;
	struct strv choices = {0};
	size_t i;

	for (o = k->c->set->program->opts; o->type != OPT_TYPE_END; o++) {
		if (o->type != OPT_TYPE_GROUP && o->arg != NULL && is_option(o, option))
			break;
	}
	if (o->type == OPT_TYPE_END)
		return false;
	if (o->choices != NULL)
		strv_split(&choices, o->choices, '|');
	for (i = 0; i < choices.n; i++)
		offer(k, "", choices.v[i], "");
	if ((o->flags & (OPT_FILE | OPT_DIR)) != 0)
		offer_files(k, k->word);
	strv_release(&choices);
	return o->choices != NULL || (o->flags & (OPT_FILE | OPT_DIR)) != 0;
}

static void
offer_words(struct completing *k, const struct strv *words)
{
	const struct schema_resource *r = words->n > 0 ? schema_find(words->v[0]) : NULL;
	struct strv next = {0};
	size_t i;

	if (words->n < 2) {
		command_next(
		    words->n > 0 ? (r != NULL ? r->name : words->v[0]) : NULL, &next);
		for (i = 0; i < next.n; i++)
			offer(k, "", next.v[i], "");
		strv_release(&next);
	}
	if (words->n > 0)
		offer_operands(k, words);
	if (r != NULL && words->n > 1)
		offer_of_verb(k, r, words->v[1]);
}

void
complete(struct ctl *c, const struct strv *before, const char *word, struct strv *out)
{
	struct completing k = {.c = c, .word = word, .n = strlen(word), .out = out};
	struct strv words = {0};

	if (before->n > 0 && offer_option_values(&k, before->v[before->n - 1]))
		return;
	plain_words(c, before, &words);
	if (word[0] == '-')
		offer_options(&k, &words);
	else
		offer_words(&k, &words);
	strv_release(&words);
}

/* Whether an option says which platform is meant. `whole`: its value is in the same
 * word. */
static bool
is_about_platform(const char *word, bool *whole)
{
	static const char *const names[] = {"--config", "--context", "--api-url",
	    "--token-file", "--api-username", "--password-file", "--api-cafile"};
	size_t n = strcspn(word, "=");
	size_t i;

	*whole = word[n] == '=';
	for (i = 0; i < ARRAY_LEN(names); i++) {
		if (strlen(names[i]) == n && strncmp(names[i], word, n) == 0)
			return true;
	}
	return false;
}

char **
complete_options(int *argc, char **argv)
{
	char **out;
	bool whole;
	int n = 1, i;

	if (*argc < 3 || strcmp(argv[1], "__complete") != 0)
		return NULL;
	out = xcalloc((size_t)*argc * 2, sizeof(*out));
	out[0] = argv[0];
	/* Not the last word, which is being written, nor an option that it is the value of. */
	for (i = 2; i + 2 < *argc; i++) {
		if (!is_about_platform(argv[i], &whole))
			continue;
		out[n++] = argv[i];
		if (!whole)
			out[n++] = argv[++i];
	}
	for (i = 1; i < *argc; i++)
		out[n++] = argv[i];
	*argc = n;
	return out;
}

/* __complete WORD...: a candidate a line for the last one. */
int
run_complete(struct ctl *c, const struct operands *in, struct err *err)
{
	struct strv before = {0}, found = {0};
	size_t i;

	(void)err;
	for (i = 0; i + 1 < in->n; i++)
		strv_add(&before, in->v[i]);
	complete(c, &before, in->n > 0 ? in->v[in->n - 1] : "", &found);
	for (i = 0; i < found.n; i++)
		puts(found.v[i]);
	strv_release(&found);
	strv_release(&before);
	return 0;
}
