/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From words to what they ask for. */
#include "iotctl/command.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/run.h"
#include "iotctl/verbs/verb.h"

static const struct command commands[] = {
    {"login", "[URL]", N_("log in and save a context"), .run = run_login,
	.flags = COMMAND_NEW_CONTEXT | COMMAND_NO_DRY_RUN},
    {"logout", "", N_("forget the tokens of the context"), .run = run_logout,
	.flags = COMMAND_NO_DRY_RUN},
    {"whoami", "", N_("show who the API takes you for"), .run = run_whoami},
    {"context list", "", N_("show the contexts of the configuration"),
	.run = run_context_list, .flags = COMMAND_ONLY_SHOWS},
    {"context use", "NAME", N_("make a context the one that is used"),
	.run = run_context_use, .flags = COMMAND_NO_DRY_RUN},
    {"config show", "", N_("show the settings in force and where they come from"),
	.run = run_config_show, .flags = COMMAND_ONLY_SHOWS},
    {"config set", "KEY=VALUE...", N_("set keys of the context; KEY= removes one"),
	.run = run_config_set, .flags = COMMAND_NEW_CONTEXT | COMMAND_NO_DRY_RUN},
    {"config path", "", N_("show where the configuration file is"),
	.run = run_config_path},
    {"apply", "-f FILE", N_("make the platform hold what files say"), .run = run_apply,
	.flags = COMMAND_SENTENCES},
    {"diff", "-f FILE", N_("show what apply would change"), .run = run_diff,
	.flags = COMMAND_ONLY_SHOWS},
    {"export", "RESOURCE...", N_("write what the platform holds, for apply"),
	.run = run_export, .flags = COMMAND_ONLY_SHOWS},
    {"help", "[TOPIC...]", N_("explain a command, a resource and its fields"),
	.run = run_help, .flags = COMMAND_NEW_CONTEXT | COMMAND_ONLY_SHOWS},
    {"__complete", "", NULL, .run = run_complete, .flags = COMMAND_NEW_CONTEXT},
    {"api", "METHOD PATH [FIELD...|-|JSON]", N_("send any request, print the answer"),
	.run = run_api, .flags = COMMAND_ONLY_SHOWS},
    {"doctor", "[DEVICE...|-]", N_("find out what is wrong with the platform or devices"),
	.run = run_doctor, .flags = COMMAND_ONLY_SHOWS | COMMAND_SENTENCES,
	.first = "device", .others = "device"},
    {"lint", "", N_("compare with the guide's best practices"), .run = run_lint,
	.flags = COMMAND_ONLY_SHOWS | COMMAND_SENTENCES},
    {"acl show", "DEVICE", N_("show what a device may do at the broker"),
	.run = run_acl_show, .flags = COMMAND_ONLY_SHOWS, .first = "device"},
    {"acl check", "DEVICE publish|subscribe TOPIC", N_("ask whether a device may do it"),
	.run = run_acl_check, .first = "device"},
    {"acl export", "[DEVICE]", N_("write the rules as EMQX's or mosquitto's file"),
	.run = run_acl_export, .flags = COMMAND_ONLY_SHOWS | COMMAND_BROKER_FORMATS,
	.first = "device"},
    {"broker test", "NAME", N_("connect to a broker, stage by stage"),
	.run = run_broker_test, .flags = COMMAND_SENTENCES, .first = "broker"},
    {"broker sync", "NAME [DEVICE...]",
	N_("make a broker's logins and rules those of the platform"),
	.run = run_broker_sync, .first = "broker", .others = "device"},
    {"client list", "[USERNAME...]", N_("show who is connected to EMQX"),
	.run = run_client_list, .flags = COMMAND_ONLY_SHOWS},
    {"client get", "CLIENT-ID", N_("show one connection to EMQX"), .run = run_client_get,
	.flags = COMMAND_ONLY_SHOWS},
    {"client kick", "CLIENT-ID...|-", N_("disconnect clients from EMQX"),
	.run = run_client_kick},
    {"broker activate", "NAME...", N_("put brokers into use"), .run = run_activate,
	.first = "broker", .others = "broker"},
    {"broker deactivate", "NAME...", N_("take brokers out of use"), .run = run_deactivate,
	.first = "broker", .others = "broker"},
    {"credential rotate", "DEVICE...|--all [BROKER]", N_("give devices new passwords"),
	.run = run_rotate, .first = "device", .others = "device"},
    {"credential pending", "", N_("show passwords that are under way"),
	.run = run_pending, .flags = COMMAND_ONLY_SHOWS},
    {"emqx-user set-password", "NAME [password@FILE]",
	N_("change the password of an EMQX user"), .run = run_set_password,
	.first = "emqx-user"},
    {"reading import", "FILE|-", N_("store reading lines of iotingest"),
	.run = run_import},
    {"topic match", "TOPIC...", N_("show which topics a topic belongs to"),
	.run = run_topic_match, .flags = COMMAND_ONLY_SHOWS},
    {"topic expand", "NAME VARIABLE=VALUE...", N_("show a topic with its values"),
	.run = run_topic_expand, .first = "topic"},
    {"device assign", "ID SENSOR...", N_("give a device sensors"), .run = run_assign,
	.first = "device", .others = "sensor"},
    {"device unassign", "ID SENSOR...", N_("take sensors from a device"),
	.run = run_unassign, .first = "device", .others = "sensor"},
    {"device command", "ID JSON|@FILE|-", N_("send a device a command"),
	.run = run_device_command, .first = "device"},
    {"device env", "ID", N_("write what a device's own program has to know"),
	.run = run_device_env, .flags = COMMAND_DEVICE_FORMATS, .first = "device"},
    {"device provision", "ID... FIELD=...", N_("create devices with all they need"),
	.run = run_provision},
};

static const struct verb verbs[] = {
    {"list", (const char *const[]){"ls", "listar", NULL}, SCHEMA_LIST, verb_list,
	N_("list them"), "[FIELD=VALUE...]", VERB_FILTERS, true},
    {"get", (const char *const[]){"show", "ver", NULL}, SCHEMA_GET, verb_get,
	N_("show one"), "NAME...", VERB_NAMES, true},
    {"create", (const char *const[]){"add", "crear", NULL}, SCHEMA_CREATE, verb_create,
	N_("create one"), "[NAME] FIELD=VALUE...", VERB_FIELDS, false},
    {"set", (const char *const[]){"update", "cambiar", NULL}, SCHEMA_SET, verb_set,
	N_("change fields"), "NAME... FIELD=VALUE...", VERB_NAMES | VERB_FIELDS, false},
    {"delete", (const char *const[]){"rm", "borrar", NULL}, SCHEMA_DELETE, verb_delete,
	N_("delete them"), "NAME...", VERB_NAMES, false},
};

const struct command *
command_row(size_t i)
{
	return i < ARRAY_LEN(commands) ? &commands[i] : NULL;
}

const struct verb *
command_verb_row(size_t i)
{
	return i < ARRAY_LEN(verbs) ? &verbs[i] : NULL;
}

const struct verb *
command_find_verb(const char *word)
{
	size_t i, j;

	for (i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
		for (j = 0; verbs[i].aliases[j] != NULL; j++) {
			if (strcmp(verbs[i].aliases[j], word) == 0)
				return &verbs[i];
		}
	}
	return NULL;
}

const char *
command_verb(const char *word)
{
	const struct verb *v = command_find_verb(word);

	return v != NULL ? v->name : word;
}

void
command_next(const char *first, struct strv *out)
{
	const struct schema_resource *r = first != NULL ? schema_find(first) : NULL;
	size_t n = first != NULL ? strlen(first) : 0;
	size_t i;

	for (i = 0; first == NULL && schema[i].name != NULL; i++)
		strv_add(out, schema[i].name);
	for (i = 0; r != NULL && i < ARRAY_LEN(verbs); i++) {
		if ((r->verbs & verbs[i].flag) != 0)
			strv_add(out, verbs[i].name);
	}
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const char *path = commands[i].path;
		char *word = xstrndup(path, strcspn(path, " "));

		if (commands[i].help != NULL && first == NULL)
			strv_add(out, word);
		else if (first != NULL && strncmp(path, first, n) == 0 && path[n] == ' ')
			strv_add(out, path + n + 1);
		free(word);
	}
}

bool
command_only_shows(const char *word)
{
	const struct verb *v = command_find_verb(word);
	size_t i;

	for (i = 0; v == NULL && i < ARRAY_LEN(commands); i++) {
		const char *path = commands[i].path, *second = strchr(path, ' ');

		if (strcmp(second != NULL ? second + 1 : path, word) == 0 &&
		    (commands[i].flags & COMMAND_ONLY_SHOWS) != 0)
			return true;
	}
	return v != NULL && v->only_shows;
}

/* The command whose path is `first` alone, or `first` and `second`. */
static const struct command *
find_command(const char *first, const char *second)
{
	size_t n = strlen(first);
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const char *path = commands[i].path;

		if (strncmp(path, first, n) != 0)
			continue;
		if (path[n] == '\0' ||
		    (path[n] == ' ' && second != NULL &&
			strcmp(path + n + 1, second) == 0))
			return &commands[i];
	}
	return NULL;
}

/* Words to choose from, for an error. */
struct choices {
	struct strv all;
	struct buf shown;
};

static void
add_choice(struct choices *l, const char *word, size_t n, bool shown)
{
	char *copy = xstrndup(word, n);
	size_t i;

	for (i = 0; i < l->all.n && strcmp(l->all.v[i], copy) != 0; i++)
		;
	if (i == l->all.n) {
		strv_add(&l->all, copy);
		if (shown)
			buf_printf(&l->shown, "%s%s", l->shown.n != 0 ? ", " : "", copy);
	}
	free(copy);
}

static const char *
nearest_of(const struct choices *l, const char *word)
{
	const char **names = xcalloc(l->all.n + 1, sizeof(*names));
	const char *near;
	size_t i;

	for (i = 0; i < l->all.n; i++)
		names[i] = l->all.v[i];
	near = text_nearest(word, names);
	free(names);
	return near;
}

static int
unknown_first(const char *word, struct err *err)
{
	struct choices l = {0};
	const char *near;
	size_t i, j;

	for (i = 0; schema[i].name != NULL; i++)
		add_choice(&l, schema[i].name, strlen(schema[i].name), true);
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		if (commands[i].help != NULL)
			add_choice(
			    &l, commands[i].path, strcspn(commands[i].path, " "), true);
	}
	for (i = 0; schema[i].name != NULL; i++) {
		for (j = 0; schema[i].aliases[j] != NULL; j++)
			add_choice(&l, schema[i].aliases[j], strlen(schema[i].aliases[j]),
			    false);
	}
	near = nearest_of(&l, word);
	if (near != NULL)
		err_set(err, ERR_USAGE,
		    _("unknown resource or command '%s'; did you mean '%s'?"), word,
		    near);
	else
		err_set(err, ERR_USAGE,
		    _("unknown resource or command '%s'; there are %s"), word,
		    buf_str(&l.shown));
	strv_release(&l.all);
	buf_release(&l.shown);
	return -1;
}

/* `first` is the canonical first word; `r` its resource, or NULL. */
static int
unknown_second(
    const char *first, const struct schema_resource *r, const char *word, struct err *err)
{
	struct choices l = {0};
	const char *near;
	size_t n = strlen(first);
	size_t i;

	for (i = 0; r != NULL && i < ARRAY_LEN(verbs); i++) {
		if ((r->verbs & verbs[i].flag) != 0)
			add_choice(&l, verbs[i].name, strlen(verbs[i].name), true);
	}
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		const char *path = commands[i].path;

		if (strncmp(path, first, n) == 0 && path[n] == ' ')
			add_choice(&l, path + n + 1, strlen(path + n + 1), true);
	}
	near = word != NULL ? nearest_of(&l, word) : NULL;
	if (word == NULL)
		err_set(
		    err, ERR_USAGE, _("%s what? there are %s"), first, buf_str(&l.shown));
	else if (near != NULL)
		err_set(err, ERR_USAGE, _("%s has no verb '%s'; did you mean '%s'?"),
		    first, word, near);
	else
		err_set(err, ERR_USAGE, _("%s has no verb '%s'; there are %s"), first,
		    word, buf_str(&l.shown));
	strv_release(&l.all);
	buf_release(&l.shown);
	return -1;
}

static bool
starts_command(const char *word)
{
	size_t n = strlen(word);
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		if (strncmp(commands[i].path, word, n) == 0 &&
		    (commands[i].path[n] == ' ' || commands[i].path[n] == '\0'))
			return true;
	}
	return false;
}

static struct operands
rest_of(const struct operands *in, size_t used)
{
	return (struct operands){
	    in->v + used, in->n - used, in->plain > used ? in->plain - used : 0};
}

static int
run_command(struct ctl *c, const struct command *command, const struct operands *in,
    struct err *err)
{
	struct operands rest = rest_of(in, strchr(command->path, ' ') != NULL ? 2 : 1);
	const bool english =
	    (command->flags & COMMAND_SENTENCES) != 0 && c->args->format != FORMAT_TABLE;
	int failed;

	if (english)
		text_translate(false);
	failed = command->run(c, &rest, err);
	if (english)
		text_translate(true);
	return failed;
}

/* What opt_check_command calls a verb of a resource, or of any; free. */
static char *
verb_path(const char *resource, const struct verb *verb)
{
	return xasprintf("%s %s", resource, verb->name);
}

bool
command_uses(const char *first, const char *second, const struct opt *row)
{
	const struct schema_resource *r = schema_find(first);
	const struct command *command = find_command(r != NULL ? r->name : first, second);
	const struct verb *verb = second != NULL ? command_find_verb(second) : NULL;
	char *path, *general;
	bool uses;

	if (command != NULL)
		return opt_is_of(row, command->path, NULL);
	if (r == NULL || verb == NULL)
		return true;
	path = verb_path(r->name, verb);
	general = verb_path("RESOURCE", verb);
	uses = opt_is_of(row, path, general);
	free(general);
	free(path);
	return uses;
}

static int
run_verb(struct ctl *c, const struct schema_resource *r, const struct verb *verb,
    const struct operands *in, struct err *err)
{
	const struct operands rest = rest_of(in, 2);
	char *command = verb_path(r->name, verb);
	char *general = verb_path("RESOURCE", verb);
	int failed = opt_check_command(c->set, c->held, command, general, err);

	if (!failed && verb->run == verb_list && strcmp(r->name, "reading") == 0)
		failed = run_reading_list(c, &rest, err);
	else if (!failed)
		failed = verb->run(c, r, &rest, err);
	free(general);
	free(command);
	return failed;
}

/* Some formats are of one command only. */
static int
check_format(const struct ctl *c, const struct command *command, struct err *err)
{
	unsigned flags = command != NULL ? command->flags : 0;

	if (c->args->format >= FORMAT_H && (flags & COMMAND_DEVICE_FORMATS) == 0)
		return err_set(err, ERR_USAGE, _("h and sh are formats of 'device env'"));
	if (c->args->format >= FORMAT_EMQX && c->args->format < FORMAT_H &&
	    (flags & COMMAND_BROKER_FORMATS) == 0)
		return err_set(
		    err, ERR_USAGE, _("emqx and mosquitto are formats of 'acl export'"));
	return 0;
}

static int
check_command(const struct ctl *c, const struct command *command, struct err *err)
{
	if (c->args->dry_run && (command->flags & COMMAND_NO_DRY_RUN) != 0)
		return err_set(err, ERR_USAGE, _("'%s' has no --dry-run"), command->path);
	return opt_check_command(c->set, c->held, command->path, NULL, err);
}

int
command_run(struct ctl *c, const struct operands *in, struct err *err)
{
	const char *second = in->n > 1 ? in->v[1] : NULL;
	const struct schema_resource *r;
	const struct command *command;
	const struct verb *verb;
	const char *first;

	if (in->n == 0)
		return err_set(err, ERR_USAGE,
		    _("a resource or command is missing; see 'iotctl --help'"));
	r = schema_find(in->v[0]);
	first = r != NULL ? r->name : in->v[0];
	command = find_command(first, second);
	if (c->args->common.context_missing &&
	    (command == NULL || (command->flags & COMMAND_NEW_CONTEXT) == 0))
		return err_set(err, ERR_USAGE,
		    _("no context '%s': 'iotctl context list' shows them"),
		    c->args->common.context);
	if (check_format(c, command, err))
		return -1;
	if (command != NULL)
		return check_command(c, command, err) ? -1
						      : run_command(c, command, in, err);
	if (r == NULL && !starts_command(first))
		return unknown_first(first, err);
	verb = second != NULL ? command_find_verb(second) : NULL;
	if (r == NULL || verb == NULL || (r->verbs & verb->flag) == 0)
		return unknown_second(first, r, second, err);
	return run_verb(c, r, verb, in, err);
}

void
command_spec(struct buf *out)
{
	const struct schema_resource *r;
	const struct schema_field *f;
	size_t i;

	buf_puts(out, "live\t__complete\n");
	for (i = 0; i < ARRAY_LEN(commands); i++) {
		if (commands[i].help != NULL)
			buf_printf(
			    out, "word\t%s\t%s\n", commands[i].path, commands[i].help);
	}
	for (r = schema; r->name != NULL; r++) {
		for (i = 0; i < ARRAY_LEN(verbs); i++) {
			if ((r->verbs & verbs[i].flag) != 0)
				buf_printf(out, "word\t%s %s\t%s: %s\n", r->name,
				    verbs[i].name, r->help, verbs[i].help);
		}
		for (f = r->fields; f->name != NULL; f++) {
			if ((f->flags & (SCHEMA_READ_ONLY | SCHEMA_DERIVED)) == 0)
				buf_printf(out, "field\t%s\t%s\t%s\n", r->name, f->name,
				    f->help != NULL ? f->help : "-");
		}
	}
}
