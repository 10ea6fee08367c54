/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people and generators read of the option table. */
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/opt.h"

#ifndef IOT_VERSION
#define IOT_VERSION "0.0.0"
#endif
#ifndef IOT_COMMIT
#define IOT_COMMIT ""
#endif

enum { HELP_COLUMN = 32 };

static bool
is_shown(const struct opt *o)
{
	return (o->flags & OPT_HIDDEN) == 0 && (o->name != NULL || o->letter != 0);
}

static void
help_row(const struct opt *o, struct buf *out)
{
	size_t from = out->n;

	if (o->letter != 0)
		buf_printf(out, "  -%c%s", o->letter, o->name != NULL ? ", " : "");
	else
		buf_puts(out, "      ");
	if (o->name != NULL)
		buf_printf(out, "--%s", o->name);
	if (o->arg != NULL)
		buf_printf(out, " %s", o->choices != NULL ? o->choices : o->arg);
	if (out->n - from + 2 > HELP_COLUMN)
		buf_printf(out, "\n%*s", HELP_COLUMN, "");
	else
		buf_printf(out, "%*s", (int)(HELP_COLUMN - (out->n - from)), "");
	buf_puts(out, o->help[0] != '\0' ? _(o->help) : "");
	if (opt_builtin(o) != NULL)
		buf_printf(
		    out, " (%s)", opt_builtin(o)[0] != '\0' ? _(opt_builtin(o)) : "");
	buf_putc(out, '\n');
}

static void
help_rows(const struct opt_set *set, struct buf *out)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (o->type == OPT_TYPE_GROUP)
			buf_printf(out, "\n%s:\n", _(o->help));
		else if (is_shown(o))
			help_row(o, out);
	}
}

void
opt_help(const struct opt_set *set, struct buf *out)
{
	const struct program *p = set->program;
	size_t i;

	for (i = 0; p->usage[i] != NULL; i++)
		buf_printf(out, "%s %s %s\n", i == 0 ? _("usage:") : "      ", p->name,
		    p->usage[i]);
	buf_printf(out, "\n%s\n", _(p->brief));
	if (p->examples != NULL) {
		buf_printf(out, "\n%s:\n", _("Examples"));
		for (i = 0; p->examples[i] != NULL; i++)
			buf_printf(out, "  %s\n", _(p->examples[i]));
	}
	if (p->opts[0].type != OPT_TYPE_GROUP)
		buf_printf(out, "\n%s:\n", _("Options"));
	help_rows(set, out);
	for (i = 0; p->words != NULL && p->words[i].path != NULL; i++) {
		if (i == 0)
			buf_printf(out, "\n%s:\n", _("Commands"));
		buf_printf(out, "  %-28s  %s\n", p->words[i].path, _(p->words[i].help));
	}
	buf_printf(out, _("\nThe manual: man %d %s\n"), p->section, p->name);
}

void
opt_version(const struct opt_set *set, struct buf *out)
{
	buf_printf(out, "%s (iot-utils) %s%s\n", set->program->name, IOT_VERSION,
	    IOT_COMMIT[0] != '\0' ? " (commit " IOT_COMMIT ")" : "");
}

static const char *
type_name(const struct opt *o)
{
	static const char *const names[] = {
	    [OPT_TYPE_FLAG] = "flag",
	    [OPT_TYPE_COUNT] = "flag",
	    [OPT_TYPE_ASK] = "flag",
	    [OPT_TYPE_INT] = "int",
	    [OPT_TYPE_TIME] = "time",
	    [OPT_TYPE_SIZE] = "size",
	    [OPT_TYPE_STR] = "text",
	    [OPT_TYPE_ENUM] = "choice",
	    [OPT_TYPE_LIST] = "list",
	    [OPT_TYPE_REST] = "command",
	};

	if ((o->flags & OPT_FILE) != 0)
		return "file";
	return (o->flags & OPT_DIR) != 0 ? "dir" : names[o->type];
}

static const char *
or_dash(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : "-";
}

/*
 * One tab-separated line a fact, "-" for nothing:
 *	program NAME SECTION VERSION BRIEF | usage TEXT | example TEXT
 *	group TEXT | opt LETTER NAME ARG TYPE CHOICES KEY ENV VALUE HELP OF | word PATH HELP
 *	exit STATUS MEANING (programs that follow the common table)
 */
void
opt_spec(const struct opt_set *set, struct buf *out)
{
	const struct program *p = set->program;
	size_t i;

	buf_printf(
	    out, "program\t%s\t%d\t%s\t%s\n", p->name, p->section, IOT_VERSION, p->brief);
	for (i = 0; p->usage[i] != NULL; i++)
		buf_printf(out, "usage\t%s\n", p->usage[i]);
	for (i = 0; p->examples != NULL && p->examples[i] != NULL; i++)
		buf_printf(out, "example\t%s\n", p->examples[i]);
	for (i = 0; i < set->count; i++) {
		const struct opt *o = &p->opts[i];
		char letter[2] = {o->letter, '\0'};

		if (o->type == OPT_TYPE_GROUP)
			buf_printf(out, "group\t%s\n", o->help);
		else if ((o->flags & OPT_HIDDEN) == 0)
			buf_printf(out, "opt\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			    or_dash(letter), or_dash(o->name), or_dash(o->arg),
			    type_name(o), or_dash(o->choices), or_dash(o->key),
			    or_dash(o->env), or_dash(opt_builtin(o)), or_dash(o->help),
			    or_dash(o->of));
	}
	for (i = 0; p->words != NULL && p->words[i].path != NULL; i++)
		buf_printf(out, "word\t%s\t%s\n", p->words[i].path, p->words[i].help);
	if (p->spec != NULL)
		p->spec(out);
#define SPEC_EXIT(name, status, meaning)                                                 \
	buf_printf(out, "exit\t%d\t%s\n", status, meaning);
	if (p->usage_status == 0) {
		ERR_TABLE(SPEC_EXIT)
	}
#undef SPEC_EXIT
}
