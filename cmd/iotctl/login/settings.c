/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contexts and settings: what login saves, what `context` and `config` show. */
#include "iotctl/login/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

static bool
put_list(const struct strv *list, struct buf *out)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", list->v[i]);
	return list->n > 0;
}

/* Appends an option's value as iot.conf would have it; false when it has none. */
static bool
put_target(const struct opt_set *set, const struct opt *o, struct buf *out)
{
	const char *at = (const char *)set->base + o->offset;
	const char *c = o->choices;
	int i;

	switch (o->type) {
	case OPT_TYPE_STR:
		if (*(char *const *)(const void *)at != NULL)
			buf_puts(out, *(char *const *)(const void *)at);
		return *(char *const *)(const void *)at != NULL;
	case OPT_TYPE_LIST: return put_list((const void *)at, out);
	case OPT_TYPE_INT:
		buf_printf(out, "%d", *(const int *)(const void *)at);
		return true;
	case OPT_TYPE_FLAG:
		buf_puts(out, *(const bool *)(const void *)at ? "yes" : "no");
		return true;
	case OPT_TYPE_TIME:
		buf_printf(out, "%lldms", (long long)*(const int64_t *)(const void *)at);
		return true;
	case OPT_TYPE_ENUM:
		for (i = *(const int *)(const void *)at; i > 0; i--)
			c = strchr(c, '|') + 1;
		buf_put(out, c, strcspn(c, "|"));
		return true;
	default: return false;
	}
}

void
settings_put(struct settings *s, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->pairs[i].key, key) == 0)
			break;
	}
	if (i == s->n) {
		s->pairs = xreallocarray(s->pairs, s->n + 1, sizeof(*s->pairs));
		s->n++;
	} else {
		free((void *)(uintptr_t)s->pairs[i].value);
	}
	s->pairs[i] = (struct config_pair){key, xstrdup(value)};
}

void
settings_put_path(struct settings *s, const char *key, const char *path)
{
	char *whole = realpath(path, NULL);

	settings_put(s, key, whole != NULL ? whole : path);
	free(whole);
}

void
settings_given(struct settings *s, const struct opt_set *set)
{
	struct buf value = {0};
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		buf_clear(&value);
		if (o->key == NULL || strcmp(o->key, "context") == 0 ||
		    set->origin[i].source != OPT_FROM_ARGV || !put_target(set, o, &value))
			continue;
		if ((o->flags & (OPT_FILE | OPT_DIR)) != 0)
			settings_put_path(s, o->key, buf_str(&value));
		else
			settings_put(s, o->key, buf_str(&value));
	}
	buf_release(&value);
}

void
settings_release(struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->pairs[i].value);
	free(s->pairs);
	*s = (struct settings){0};
}

int
settings_check_name(const char *name, struct err *err)
{
	return topic_check_id(span_of(name), _("context name"), err);
}

static int
add_section(void *arg, size_t number, char *line, struct err *err)
{
	struct strv *names = arg;
	char *at = line + strspn(line, " \t");

	(void)number;
	(void)err;
	if (at[0] == '[' && strchr(at, ']') != NULL) {
		*strchr(at, ']') = '\0';
		strv_add(names, at + 1);
	}
	return 0;
}

int
settings_contexts(struct ctl *c, struct strv *names, struct err *err)
{
	char *path = config_user_path(&c->args->common);
	FILE *in = path != NULL ? fopen(path, "re") : NULL;
	int failed = 0;

	if (in != NULL) {
		failed = file_lines(in, path, add_section, names, err);
		fclose(in);
	}
	free(path);
	return failed;
}

static bool
is_for_people(const struct ctl *c)
{
	return c->args->format == FORMAT_TABLE;
}

int
run_context_list(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const columns[] = {"name", "in_use"};
	struct report r;
	const char *chosen = c->args->common.context;
	struct strv names = {0};
	int failed;
	size_t i;

	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("context list takes no operand"));
	failed = settings_contexts(c, &names, err);
	if (!failed && !is_for_people(c))
		report_start(&r, c, columns, ARRAY_LEN(columns), 0);
	for (i = 0; i < names.n && !failed; i++) {
		bool in_use = chosen != NULL && strcmp(chosen, names.v[i]) == 0;

		if (is_for_people(c))
			printf("%s %s\n", in_use ? "*" : " ", names.v[i]);
		else
			report_row(
			    &r, (const char *const[]){names.v[i], in_use ? "yes" : "no"});
	}
	if (!failed && !is_for_people(c))
		report_end(&r);
	strv_release(&names);
	return failed;
}

int
settings_need_context(struct ctl *c, const char *name, struct err *err)
{
	struct strv names = {0};
	int failed = settings_contexts(c, &names, err);
	size_t i;

	for (i = 0; i < names.n && strcmp(names.v[i], name) != 0; i++)
		;
	if (!failed && i == names.n)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("no context '%s': 'iotctl context list' shows them"), name);
	strv_release(&names);
	return failed;
}

int
run_context_use(struct ctl *c, const struct operands *in, struct err *err)
{
	struct config_pair pair = {"context", in->n == 1 ? in->v[0] : ""};
	char *path;
	int failed;

	if (in->n != 1)
		return err_set(err, ERR_USAGE, _("context use takes one NAME"));
	path = config_user_path(&c->args->common);
	failed = settings_need_context(c, pair.value, err) ||
	    config_save(path, NULL, &pair, 1, err);
	free(path);
	return failed ? -1 : 0;
}

int
run_config_path(struct ctl *c, const struct operands *in, struct err *err)
{
	char *path = config_user_path(&c->args->common);

	if (in->n != 0) {
		free(path);
		return err_set(err, ERR_USAGE, _("config path takes no operand"));
	}
	if (path == NULL)
		return err_set(
		    err, ERR_USAGE, _("no place for a configuration: HOME is not set"));
	puts(path);
	free(path);
	return 0;
}

/* The value must be one that the next start will take: tried on a copy of the row's own kind. */
static int
try_value(const struct opt *o, const char *key, const char *value, struct err *err)
{
	union {
		char *text;
		int number;
		int64_t time;
		bool flag;
		struct strv list;
	} to = {0};
	struct opt rows[2] = {*o, {.type = OPT_TYPE_END}};
	struct program alone = {.name = "iotctl", .opts = rows};
	struct opt_set set;
	int failed;

	rows[0].offset = 0;
	opt_init(&set, &alone, &to);
	failed = opt_set_text(&set, &rows[0], value, OPT_FROM_USER_FILE, key, err);
	opt_release(&set);
	return failed;
}

/* Takes KEY=VALUE apart in place. */
static int
take_pair(struct ctl *c, char *word, struct config_pair *out, struct err *err)
{
	char *value = strchr(word, '=');
	const struct opt *o;

	if (value == NULL)
		return err_set(err, ERR_USAGE, _("'%s': config set KEY=VALUE..."), word);
	*value++ = '\0';
	o = opt_by_key(c->set, word);
	if (o == NULL || strcmp(word, "context") == 0)
		return err_set(err, ERR_USAGE,
		    _("'%s' is no key that iotctl knows: 'iotctl config show' lists "
		      "them"),
		    word);
	if (value[0] != '\0' && try_value(o, word, value, err))
		return -1;
	if (value[0] != '\0' && strcmp(word, "broker") == 0 &&
	    mqtt_options_check_urls(value, err))
		return err_in(err, "broker");
	*out = (struct config_pair){word, value[0] != '\0' ? value : NULL};
	return 0;
}

int
run_config_set(struct ctl *c, const struct operands *in, struct err *err)
{
	struct config_pair *pairs = xcalloc(in->n + 1, sizeof(*pairs));
	char *path = config_user_path(&c->args->common);
	int failed = 0;
	size_t i;

	if (in->n == 0)
		failed = err_set(err, ERR_USAGE, _("config set KEY=VALUE..."));
	else if (path == NULL)
		failed = err_set(
		    err, ERR_OUTPUT, _("no place for a configuration: HOME is not set"));
	else if (c->args->common.context_missing)
		failed = settings_check_name(c->args->common.context, err);
	for (i = 0; i < in->n && !failed; i++)
		failed = take_pair(c, in->v[i], &pairs[i], err);
	failed = failed || config_save(path, c->args->common.context, pairs, in->n, err);
	free(path);
	free(pairs);
	return failed ? -1 : 0;
}

int
run_config_show(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const header[] = {"key", "value", "from"};
	const struct opt_set *set = c->set;
	struct buf value = {0};
	struct report r;
	size_t i;

	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("config show takes no operand"));
	report_start(&r, c, header, ARRAY_LEN(header), 0);
	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		buf_clear(&value);
		if (o->key == NULL || (o->flags & OPT_SECRET) != 0)
			continue;
		if (!put_target(set, o, &value) ||
		    set->origin[i].source == OPT_FROM_BUILTIN) {
			buf_clear(&value);
			buf_puts(&value, o->value != NULL ? o->value : "");
		}
		report_row(&r,
		    (const char *const[]){o->key, buf_str(&value),
			set->origin[i].where != NULL ? set->origin[i].where : "-"});
	}
	report_end(&r);
	buf_release(&value);
	return 0;
}
