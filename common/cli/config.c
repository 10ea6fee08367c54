/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define SYSTEM_FILE "/etc/iot/iot.conf"

/* Every key of every program, made by `make gen` from their option tables. */
static const char *const known_keys[] = {
#include "cli/config_keys.inc"
    NULL};

struct reading {
	struct opt_set *set;
	FILE *in;
	const char *path;
	const char *context;   /* NULL: none chosen yet */
	enum opt_source plain; /* source of keys before the first section */
	int line;
	bool context_seen;
	bool keys_only_context; /* first pass: only look for `context` */
	char **chosen;
	struct err *err;
	bool failed;
};

/* The guard in front of libinih: refuses a line that it would mangle silently. */
static char *
guarded_line(char *out, int room, void *stream)
{
	struct reading *r = stream;
	char *line = fgets(out, room, r->in);
	const char *value;

	if (line == NULL)
		return NULL;
	r->line++;
	if (strchr(line, '\n') == NULL && strlen(line) >= CONFIG_LINE) {
		err_set(r->err, ERR_USAGE, _("%s:%d: line longer than %d bytes"), r->path,
		    r->line, CONFIG_LINE);
		r->failed = true;
		return NULL;
	}
	value = strchr(line, '=');
	if (value != NULL && line[0] != ';' && line[0] != '#' &&
	    strstr(value, " ;") != NULL) {
		err_set(r->err, ERR_USAGE,
		    _("%s:%d: ' ;' inside a value would start a comment"), r->path,
		    r->line);
		r->failed = true;
		return NULL;
	}
	if (line[0] == ' ' || line[0] == '\t')
		memmove(line, line + strspn(line, " \t"),
		    strlen(line + strspn(line, " \t")) + 1);
	return line;
}

static int
unknown_key(struct reading *r, const char *key)
{
	const char *near = text_nearest(key, known_keys);

	if (near != NULL)
		return err_set(r->err, ERR_USAGE,
		    _("%s:%d: unknown key '%s'; did you mean '%s'?"), r->path, r->line,
		    key, near);
	return err_set(r->err, ERR_USAGE, _("%s:%d: unknown key '%s'; see iot.conf(5)"),
	    r->path, r->line, key);
}

static bool
is_known(const char *key)
{
	size_t i;

	for (i = 0; known_keys[i] != NULL; i++) {
		if (strcmp(known_keys[i], key) == 0)
			return true;
	}
	return strcmp(key, "context") == 0;
}

/* libinih's handler: 1 goes on, 0 is an error. */
static int
on_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *r = arg;
	bool in_context = section[0] != '\0';
	const struct opt *row;
	char where[512];
	int failed = 0;

	if (in_context && r->context != NULL && strcmp(section, r->context) == 0)
		r->context_seen = true;
	if (r->keys_only_context) {
		if (!in_context && strcmp(key, "context") == 0) {
			free(*r->chosen);
			*r->chosen = xstrdup(value);
		}
		return 1;
	}
	row = opt_by_key(r->set, key);
	if (row == NULL && !is_known(key))
		failed = unknown_key(r, key);
	else if (row != NULL &&
	    (!in_context || (r->context != NULL && strcmp(section, r->context) == 0))) {
		snprintf(where, sizeof(where), "%s:%d", r->path, r->line);
		failed = opt_set_text(r->set, row, value,
		    in_context ? OPT_FROM_CONTEXT : r->plain, where, r->err);
	}
	r->failed |= failed != 0;
	return !failed;
}

/* Reads one file with `r` prepared; a file that is not there is empty unless `must`. */
static int
read_file(struct reading *r, bool must)
{
	int status;

	r->in = fopen(r->path, "re");
	if (r->in == NULL && (errno == ENOENT || errno == ENOTDIR) && !must)
		return 0;
	if (r->in == NULL)
		return err_sys(
		    r->err, ERR_USAGE, _("cannot read configuration '%s'"), r->path);
	r->line = 0;
	errno = 0;
	status = ini_parse_stream(guarded_line, r, on_pair, r);
	/* A directory, for one, is opened and has no lines. */
	if (!r->failed && ferror(r->in)) {
		err_sys(r->err, ERR_USAGE, _("cannot read configuration '%s'"), r->path);
		r->failed = true;
	}
	fclose(r->in);
	if (r->failed)
		return -1;
	if (status != 0)
		return err_set(r->err, ERR_USAGE,
		    _("%s:%d: neither '[context]' nor 'key = value'"), r->path, status);
	return 0;
}

char *
config_user_path(const struct common *common)
{
	const char *env = getenv("IOT_CONFIG");

	if (common->config != NULL)
		return xstrdup(common->config);
	if (env != NULL && env[0] != '\0')
		return xstrdup(env);
	return file_config_path("iot.conf");
}

static int
apply_env(struct opt_set *set, struct err *err)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];
		const char *value = o->env != NULL ? getenv(o->env) : NULL;

		if (value != NULL && value[0] != '\0' &&
		    opt_set_text(set, o, value, OPT_FROM_ENV, o->env, err))
			return -1;
	}
	return 0;
}

/* Both files twice: first for the context they choose, then for the values. */
int
config_load_files(struct opt_set *set, struct common *common, struct err *err)
{
	char *user = config_user_path(common);
	bool must =
	    user != NULL && (common->config != NULL || getenv("IOT_CONFIG") != NULL);
	char *chosen = common->context != NULL ? xstrdup(common->context) : NULL;
	struct reading pass = {.set = set, .err = err};
	const struct {
		const char *path;
		enum opt_source plain;
		bool must;
	} files[] = {
	    {SYSTEM_FILE, OPT_FROM_SYSTEM_FILE, false}, {user, OPT_FROM_USER_FILE, must}};
	int failed = 0;
	int i;

	for (i = chosen == NULL ? 0 : 2; i < 4 && !failed; i++) {
		pass.path = files[i % 2].path;
		pass.plain = files[i % 2].plain;
		pass.keys_only_context = i < 2;
		pass.chosen = &chosen;
		pass.context = chosen;
		if (pass.path != NULL)
			failed = read_file(&pass, files[i % 2].must);
	}
	common->context_missing = chosen != NULL && !pass.context_seen;
	if (!failed && common->context_missing && !common->context_may_miss)
		failed = err_set(err, ERR_USAGE, _("no context '%s' in '%s' or '%s'"),
		    chosen, user != NULL ? user : "-", SYSTEM_FILE);
	if (!failed && chosen != NULL && common->context == NULL)
		common->context = xstrdup(chosen);
	free(chosen);
	free(user);
	return failed;
}

int
config_load(struct opt_set *set, struct common *common, struct err *err)
{
	return apply_env(set, err) || config_load_files(set, common, err) ? -1 : 0;
}
