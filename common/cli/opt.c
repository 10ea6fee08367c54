/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/opt.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

/* getopt_long's value for a row: beyond every letter. */
enum { LONG_BASE = 256 };

static bool
is_option(const struct opt *o)
{
	return o->type != OPT_TYPE_GROUP && (o->name != NULL || o->letter != 0);
}

static void *
target(const struct opt_set *set, const struct opt *o)
{
	return (char *)set->base + o->offset;
}

/* A URL may hold a password. */
static void
release_list(struct strv *l)
{
	for (; l->n > 0; l->n--)
		mem_free_secret(l->v[l->n - 1]);
	strv_release(l);
}

void
opt_release(struct opt_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (o->type == OPT_TYPE_STR) {
			mem_free_secret(*(char **)target(set, o));
			*(char **)target(set, o) = NULL;
		} else if (o->type == OPT_TYPE_LIST || o->type == OPT_TYPE_REST) {
			release_list(target(set, o));
		}
		free(set->origin[i].where);
	}
	free(set->origin);
	*set = (struct opt_set){0};
}

/* "--name" or "-l", as the user would write it; a key for rows without either. */
static void
subject(const struct opt *o, enum opt_source source, const char *where, char *out,
    size_t room)
{
	if (source != OPT_FROM_ARGV)
		snprintf(
		    out, room, "%s: %s", where, source == OPT_FROM_ENV ? o->env : o->key);
	else if (o->name != NULL)
		snprintf(out, room, "--%s", o->name);
	else
		snprintf(out, room, "-%c", o->letter);
}

static int
set_choice(
    const struct opt *o, const char *text, const char *what, int *out, struct err *err)
{
	const char *c = o->choices;
	int i;

	for (i = 0; *c != '\0'; i++) {
		size_t n = strcspn(c, "|");

		if (strlen(text) == n && memcmp(c, text, n) == 0) {
			*out = i;
			return 0;
		}
		c += n + (c[n] == '|');
	}
	return err_set(
	    err, ERR_USAGE, _("%s: '%s' is none of %s"), what, text, o->choices);
}

static int
set_flag(const char *text, const char *what, bool *out, struct err *err)
{
	if (text_bool(text, out))
		return 0;
	return err_set(err, ERR_USAGE, _("%s: '%s' is neither yes nor no"), what, text);
}

static int
set_time(const struct opt *o, const char *text, const char *what, int64_t *out,
    struct err *err)
{
	if (text_duration(text, what, out, err))
		return -1;
	if (*out >= o->min)
		return 0;
	if (o->min % 1000 == 0)
		return err_set(err, ERR_USAGE,
		    _("%s: '%s' is too short: %lld s at least"), what, text,
		    (long long)o->min / 1000);
	return err_set(err, ERR_USAGE, _("%s: '%s' is too short: %lld ms at least"), what,
	    text, (long long)o->min);
}

static int
set_value(
    const struct opt *o, void *to, const char *text, const char *what, struct err *err)
{
	int64_t number;

	switch (o->type) {
	case OPT_TYPE_FLAG: return set_flag(text, what, to, err);
	case OPT_TYPE_COUNT: ++*(int *)to; return 0;
	case OPT_TYPE_ASK: *(int *)to = (int)o->min; return 0;
	case OPT_TYPE_TIME: return set_time(o, text, what, to, err);
	case OPT_TYPE_SIZE: return text_size(text, o->min, o->max, what, to, err);
	case OPT_TYPE_ENUM: return set_choice(o, text, what, to, err);
	case OPT_TYPE_INT:
		if (text_int(text, o->min, o->max, what, &number, err))
			return -1;
		*(int *)to = (int)number;
		return 0;
	case OPT_TYPE_STR:
		mem_free_secret(*(char **)to);
		*(char **)to = xstrdup(text);
		return 0;
	case OPT_TYPE_LIST:
		if ((o->flags & OPT_COMMAS) != 0)
			strv_split(to, text, ',');
		else
			strv_add(to, text);
		return 0;
	case OPT_TYPE_REST: strv_add(to, text); return 0;
	case OPT_TYPE_GROUP:
	case OPT_TYPE_END: break;
	}
	return 0;
}

void
opt_init(struct opt_set *set, const struct program *program, void *base)
{
	struct err err = {0};
	size_t i;

	*set = (struct opt_set){.program = program, .base = base};
	while (program->opts[set->count].type != OPT_TYPE_END)
		set->count++;
	set->origin = xcalloc(set->count, sizeof(*set->origin));
	for (i = 0; i < set->count; i++) {
		const struct opt *o = &program->opts[i];

		if (o->preset != NULL &&
		    set_value(o, target(set, o), o->preset, o->help, &err))
			log_error("%s", err.text); /* a mistake in the table */
	}
}

int
opt_set_text(struct opt_set *set, const struct opt *row, const char *text,
    enum opt_source source, const char *where, struct err *err)
{
	struct opt_origin *origin = &set->origin[row - set->program->opts];
	char what[256];

	if (source < origin->source)
		return 0;
	subject(row, source, where, what, sizeof(what));
	if (row->type == OPT_TYPE_LIST && source > origin->source)
		strv_release(target(set, row));
	if (set_value(row, target(set, row), text, what, err))
		return -1;
	free(origin->where);
	*origin =
	    (struct opt_origin){source, xstrdup(source == OPT_FROM_ARGV ? what : where)};
	return 0;
}

static void
blank_secret(const struct opt *o, char *text)
{
	memset(text, 'x', strlen(text));
	if (isatty(STDERR_FILENO))
		log_warn(_("others on this machine can see arguments: "
			   "give --%s a file instead"),
		    o->letter == 'P' ? "password-file" : o->name);
}

/* getopt_long's tables, made from ours. */
struct tables {
	struct option *longs;
	struct buf shorts;
	const char **names; /* for "did you mean" */
};

static void
tables_make(struct tables *t, const struct opt_set *set)
{
	size_t i, n = 0;

	t->longs = xcalloc(set->count + 1, sizeof(*t->longs));
	t->names = xcalloc(set->count + 1, sizeof(*t->names));
	buf_putc(&t->shorts, ':');
	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (!is_option(o))
			continue;
		if (o->letter != 0)
			buf_printf(
			    &t->shorts, "%c%s", o->letter, o->arg != NULL ? ":" : "");
		if (o->name == NULL)
			continue;
		t->longs[n] = (struct option){.name = o->name,
		    .has_arg = o->arg != NULL ? required_argument : no_argument,
		    .val = LONG_BASE + (int)i};
		t->names[n++] = o->name;
	}
}

static void
tables_release(struct tables *t)
{
	free(t->longs);
	free(t->names);
	buf_release(&t->shorts);
}

static const struct opt *
row_of(const struct opt_set *set, int val)
{
	size_t i;

	if (val >= LONG_BASE)
		return &set->program->opts[val - LONG_BASE];
	for (i = 0; i < set->count; i++) {
		if (set->program->opts[i].letter == val)
			return &set->program->opts[i];
	}
	return NULL;
}

static int
complain(const struct opt_set *set, const struct tables *t, int kind, const char *word,
    struct err *err)
{
	const char *near = NULL;

	if (kind == ':' && strcmp(word, "-h") == 0)
		return err_set(err, ERR_USAGE,
		    _("-h needs a host; for help use '%s --help'"), set->program->name);
	if (kind == ':')
		return err_set(err, ERR_USAGE, _("option '%s' needs an argument"), word);
	if (optopt >= LONG_BASE)
		return err_set(err, ERR_USAGE, _("option '%s' takes no argument"), word);
	if (optopt != 0)
		return err_set(err, ERR_USAGE, _("unknown option '-%c'; see '%s --help'"),
		    optopt, set->program->name);
	if (strlen(word) > 2)
		near = text_nearest(word + 2, t->names);
	if (near != NULL)
		return err_set(err, ERR_USAGE,
		    _("unknown option '%s'; did you mean '--%s'?"), word, near);
	return err_set(err, ERR_USAGE, _("unknown option '%s'; see '%s --help'"), word,
	    set->program->name);
}

static bool
is_ours(const struct tables *t, const char *word)
{
	const char *const *name = t->names;

	while (*name != NULL && strcmp(*name, word + 2) != 0)
		name++;
	return strncmp(word, "--", 2) == 0 && *name != NULL;
}

/* The words behind the option, which another program gets. */
static void
take_rest(const struct opt_set *set, const struct tables *t, const struct opt *o,
    int argc, char **argv)
{
	struct strv *rest = target(set, o);
	int i;

	for (i = optind; i < argc; i++) {
		if (is_ours(t, argv[i]))
			log_warn(_("'%s' behind --%s is an argument of '%s': options of "
				   "%s stand before --%s"),
			    argv[i], o->name, rest->v[0], set->program->name, o->name);
		strv_add(rest, argv[i]);
	}
	argv[optind] = NULL;
}

/* The words behind the option's argument that belong to it. */
static int
take_more(const struct opt_set *set, const struct opt *o, int argc, char **argv,
    struct err *err)
{
	const size_t left = (size_t)(argc - optind);
	const size_t n = o->more(argv + optind, left);
	size_t i;

	if (n > left)
		return err_set(
		    err, ERR_USAGE, _("option '--%s' needs %s"), o->name, o->arg);
	for (i = 0; i < n; i++)
		strv_add(target(set, o), argv[optind++]);
	return 0;
}

int
opt_parse(struct opt_set *set, int argc, char **argv, int *first, struct err *err)
{
	struct tables t = {0};
	int failed = 0;
	int val;

	tables_make(&t, set);
	opterr = 0;
	optind = 0;
	while (!failed &&
	    (val = getopt_long(argc, argv, buf_str(&t.shorts), t.longs, NULL)) != -1) {
		const struct opt *o = row_of(set, val);

		if (val == '?' || val == ':') {
			failed = complain(set, &t, val, argv[optind - 1], err);
			continue;
		}
		failed = opt_set_text(
		    set, o, optarg != NULL ? optarg : "yes", OPT_FROM_ARGV, argv[0], err);
		if ((o->flags & OPT_SECRET) != 0 && optarg != NULL)
			blank_secret(o, optarg);
		if (!failed && o->more != NULL)
			failed = take_more(set, o, argc, argv, err);
		if (o->type == OPT_TYPE_REST) {
			take_rest(set, &t, o, argc, argv);
			argc = optind;
		}
	}
	*first = optind;
	tables_release(&t);
	return failed;
}

const struct opt *
opt_by_key(const struct opt_set *set, const char *key)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (o->key != NULL && strcmp(o->key, key) == 0)
			return o;
	}
	return NULL;
}

const char *
opt_builtin(const struct opt *row)
{
	return row->preset != NULL ? row->preset : row->value;
}

const struct opt_origin *
opt_origin_of(const struct opt_set *set, size_t offset)
{
	static const struct opt_origin builtin = {OPT_FROM_BUILTIN, NULL};
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (o->type != OPT_TYPE_GROUP && o->offset == offset)
			return &set->origin[i];
	}
	return &builtin;
}

enum opt_source
opt_source_of(const struct opt_set *set, size_t offset)
{
	return opt_origin_of(set, offset)->source;
}
