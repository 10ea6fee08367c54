/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help [TOPIC...]: from the same tables that everything else comes from. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/command.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

static void
add_pair(struct strv *cells, char *left, const char *help)
{
	strv_add(cells, left);
	strv_add(cells, _(help));
	free(left);
}

/* The commands whose path begins with `word`; all if it is empty. */
static size_t
list_commands(const char *word, struct strv *cells)
{
	size_t n = strlen(word);
	size_t found = 0, i;

	for (i = 0; command_row(i) != NULL; i++) {
		const struct command *c = command_row(i);

		if (c->help == NULL ||
		    (n != 0 &&
			(strncmp(c->path, word, n) != 0 ||
			    (c->path[n] != ' ' && c->path[n] != '\0'))))
			continue;
		found++;
		add_pair(cells, xasprintf("  %s %s", c->path, c->operands), c->help);
	}
	return found;
}

/* The verbs of a resource; only the one called `word` unless that is NULL. */
static size_t
list_verbs(const struct schema_resource *r, const char *word, struct strv *cells)
{
	size_t found = 0, i;

	for (i = 0; command_verb_row(i) != NULL; i++) {
		const struct verb *v = command_verb_row(i);

		if ((r->verbs & v->flag) == 0 ||
		    (word != NULL && strcmp(v->name, word) != 0))
			continue;
		found++;
		add_pair(cells, xasprintf("  %s %s %s", r->name, v->name, v->operands),
		    v->help);
	}
	return found;
}

static void
put_kind(struct buf *out, const struct schema_field *f)
{
	static const char *const kinds[] = {[SCHEMA_INT] = N_("number"),
	    [SCHEMA_FLOAT] = N_("number"),
	    [SCHEMA_BOOL] = "yes|no",
	    [SCHEMA_STRING] = N_("text"),
	    [SCHEMA_TEXT] = N_("text"),
	    [SCHEMA_TIME] = N_("time"),
	    [SCHEMA_JSON] = "JSON"};
	const struct schema_choice *c;

	for (c = f->choices; c != NULL && c->value != NULL; c++)
		buf_printf(out, "%s%s", c == f->choices ? "" : "|", c->value);
	if (f->ref != NULL)
		buf_printf(out, f->type == SCHEMA_REFS ? "%s,..." : "%s", f->ref);
	else if (f->choices == NULL)
		buf_puts(out, _(kinds[f->type]));
	if (f->min < f->max && (f->type == SCHEMA_INT || f->type == SCHEMA_FLOAT))
		buf_printf(out, " %g..%g", f->min, f->max);
}

static void
print_fields(const struct schema_resource *r)
{
	const char *const columns[] = {_("field"), _("alias"), _("value"), "", _("help")};
	const struct schema_field *f;
	struct strv cells = {0};

	for (f = r->fields; f->name != NULL; f++) {
		struct buf kind = {0};

		if ((f->flags & SCHEMA_DERIVED) != 0)
			continue;
		put_kind(&kind, f);
		strv_add(&cells, f->name);
		strv_add(&cells, f->alias != NULL ? f->alias : "");
		strv_add(&cells, buf_str(&kind));
		strv_add(&cells,
		    (f->flags & SCHEMA_READ_ONLY) != 0        ? _("read only")
			: (f->flags & SCHEMA_REQUIRED) != 0   ? _("required")
			: (f->flags & SCHEMA_WRITE_ONLY) != 0 ? _("secret")
							      : "");
		strv_add(&cells, f->help != NULL ? _(f->help) : "");
		buf_release(&kind);
	}
	show_table(&cells, ARRAY_LEN(columns), columns);
	strv_release(&cells);
}

static void
help_all(void)
{
	struct strv cells = {0};
	size_t i;

	printf("%s\n",
	    _("RESOURCE {list|get|create|set|delete} [NAME...] [FIELD=VALUE...]"));
	for (i = 0; schema[i].name != NULL; i++)
		add_pair(&cells, xasprintf("  %s", schema[i].name), schema[i].help);
	list_commands("", &cells);
	add_pair(&cells, xstrdup("  use RESOURCE|CONTEXT"),
	    N_("the shell: leave a resource out, or change the context"));
	add_pair(&cells, xstrdup("  exit"), N_("the shell: leave it; Ctrl-D as well"));
	show_table(&cells, 2, NULL);
	strv_release(&cells);
	printf("%s\n", _("help RESOURCE shows its fields; the manual: man 1 iotctl"));
}

/* One command of a resource; a verb, whose operands are its fields, is shown with them. */
static bool
help_command(const struct schema_resource *r, const char *word)
{
	char *path = xasprintf("%s %s", r->name, word);
	struct strv cells = {0};
	size_t verbs = list_verbs(r, word, &cells);
	size_t found = verbs + list_commands(path, &cells);

	show_table(&cells, 2, NULL);
	if (verbs != 0)
		print_fields(r);
	strv_release(&cells);
	free(path);
	return found != 0;
}

/* A resource with all its commands, or the commands that begin with a word that is none. */
static int
help_topic(const struct schema_resource *r, const char *word, struct err *err)
{
	struct strv cells = {0};
	size_t found;

	if (r != NULL) {
		printf("%s: %s\n", r->name, _(r->help));
		list_verbs(r, NULL, &cells);
	}
	found = list_commands(r != NULL ? r->name : word, &cells);
	show_table(&cells, 2, NULL);
	strv_release(&cells);
	if (r != NULL)
		print_fields(r);
	else if (found == 0)
		return err_set(err, ERR_NOT_FOUND,
		    _("no help on '%s': 'help' lists what there is"), word);
	return 0;
}

int
run_help(struct ctl *c, const struct operands *in, struct err *err)
{
	const struct schema_resource *r = in->n > 0 ? schema_find(in->v[0]) : NULL;

	(void)c;
	if (in->n == 0)
		help_all();
	else if ((r == NULL || in->n == 1 || !help_command(r, in->v[1])) &&
	    help_topic(r, in->v[0], err))
		return -1;
	else
		printf("%s\n", _("options: iotctl --help; the manual: man 1 iotctl"));
	return 0;
}
