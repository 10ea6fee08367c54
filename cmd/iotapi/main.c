/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iotapi: the platform's REST API on one machine. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/config.h"
#include "cli/program.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/device_reading.h"
#include "ws/ws_proxy.h"
#include "iotapi/account.h"
#include "iotapi/api/users.h"
#include "iotapi/event.h"
#include "iotapi/export.h"
#include "iotapi/lock.h"
#include "iotapi/notify.h"
#include "iotapi/serve.h"
#include "iotapi/upkeep.h"

struct args {
	char *db;
	char *key_file;
	char *listen;
	bool insecure_listen;
	struct strv proxies;
	char *url_file;
	char *password_file;
	bool read_only;
	int days;
	int hash_rounds;
	int64_t access_life, refresh_life, keep_readings;
	struct topicopts topics;
	struct reading_keys keys;
	struct common common;
};

static const struct opt opts[] = {
    OPT_STR(struct args, db, 0, "db", "FILE", N_("the database"), .key = "db",
	.value = "$XDG_STATE_HOME/iot/iotapi.db", .flags = OPT_FILE),
    OPT_STR(struct args, key_file, 0, "key-file", "FILE",
	N_("the key of sealed secrets, in place of the database's name and .key"),
	.key = "key_file", .flags = OPT_FILE),
    OPT_STR(struct args, listen, 0, "listen", "ADDRESS:PORT",
	N_("where to serve; port 0 is a free one"), .key = "listen",
	.value = "127.0.0.1:8000", .of = "serve"),
    OPT_FLAG(struct args, insecure_listen, 0, "insecure-listen",
	N_("listen where other machines come from, though nothing is encrypted"),
	.key = "insecure_listen", .needs = "listen", .of = "serve"),
    OPT_LIST(struct args, proxies, 0, "proxy", "ADDRESS",
	N_("who from there comes for many: any number of connections"), .key = "proxy",
	.flags = OPT_COMMAS, .of = "serve"),
    OPT_STR(struct args, url_file, 0, "url-file", "FILE",
	N_("write the URL there once it serves"), .flags = OPT_FILE, .of = "serve"),
    OPT_STR(struct args, password_file, 0, "password-file", "FILE",
	N_("user add, passwd: read the password from there, mode 0600"),
	.flags = OPT_FILE, .of = "user add|user passwd"),
    OPT_FLAG(struct args, read_only, 0, "read-only",
	N_("user add, token create: one that may change nothing"),
	.of = "user add|token create"),
    OPT_INT(struct args, days, 0, "days", "N", 1, 36500,
	N_("token create: how long it lives, for ever unless given"),
	.of = "token create"),
    OPT_INT(struct args, hash_rounds, 0, "hash-rounds", "N", 1, 10000000,
	N_("PBKDF2 rounds of devices' passwords: the broker pays them at each connect"),
	.key = "hash_rounds", .preset = "1000", .of = "serve|export mosquitto"),
    OPT_TIME(struct args, access_life, 0, "access-life", "TIME",
	N_("how long the access token of a login lives"), .key = "access_life",
	.preset = "1h", .of = "serve"),
    OPT_TIME(struct args, refresh_life, 0, "refresh-life", "TIME",
	N_("how long its refresh token lives"), .key = "refresh_life", .preset = "1d",
	.of = "serve"),
    OPT_TIME(struct args, keep_readings, 0, "keep-readings", "TIME",
	N_("delete readings that are older; for ever unless given"),
	.key = "keep_readings", .min = 3600000, .of = "serve"),
    OPT_READINGS(struct args, keys),
    OPT_TOPICS(struct args, topics),
    OPT_COMMON(struct args, common),
    OPT_END,
};

static const char *const usage[] = {
    "[serve] [options]",
    "user add NAME [--read-only] [--password-file FILE]",
    "user passwd NAME [--password-file FILE]",
    "user disable|delete NAME",
    "user list",
    "token create NAME [--read-only] [--days N]",
    "token list",
    "token revoke ID",
    "export mosquitto DIR",
    "backup FILE",
    "check",
    NULL,
};

static const char *const examples[] = {
    "iotapi user add admin",
    "iotapi --listen 127.0.0.1:8000",
    "iotapi export mosquitto /etc/mosquitto/iot && pkill -HUP -x mosquitto",
    NULL,
};

static const struct opt_word words[] = {
    {"serve", N_("serve the API (what it does without a word)")},
    {"user", N_("people who may use the API")},
    {"user add", N_("make a user")},
    {"user passwd", N_("change a user's password, which ends the user's tokens")},
    {"user disable", N_("let a user in no more")},
    {"user list", N_("show the users")},
    {"user delete", N_("delete a user")},
    {"token", N_("tokens for programs")},
    {"token create", N_("make a token and print it")},
    {"token list", N_("show the tokens, without their secrets")},
    {"token revoke", N_("end a token")},
    {"export", N_("files for other programs")},
    {"export mosquitto", N_("write mosquitto's password file")},
    {"backup", N_("copy the database and its key")},
    {"check", N_("look whether database and key are as they should be")},
    {NULL, NULL},
};

static const struct program iotapi = {
    .name = "iotapi",
    .section = 8,
    .brief = N_("the platform's REST API on one machine"),
    .usage = usage,
    .examples = examples,
    .opts = opts,
    .words = words,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

/* As it was given, for SIGHUP. */
static struct {
	int argc;
	char **argv;
} command_line;

/* What can change while it serves. */
static void
apply(const struct args *a, struct app *app)
{
	app->hash_rounds = a->hash_rounds;
	users_set_life(TOKEN_ACCESS, a->access_life);
	users_set_life(TOKEN_REFRESH, a->refresh_life);
}

static int
reload(void *arg, struct app *app, struct err *err)
{
	struct args a = {0};
	struct opt_set set;
	int first, failed;

	(void)arg;
	opt_init(&set, &iotapi, &a);
	failed = opt_parse(&set, command_line.argc, command_line.argv, &first, err) ||
	    config_load(&set, &a.common, err);
	if (!failed)
		apply(&a, app);
	opt_release(&set);
	return failed;
}

static int
run_serve(const struct args *a, const char *operand, struct buf *out, struct err *err)
{
	struct serve_opts serving = {
	    .http = {.listen = a->listen != NULL ? a->listen : "127.0.0.1:8000",
		.insecure = a->insecure_listen,
		.proxies = &a->proxies},
	    .url_file = a->url_file,
	    .keep_readings = a->keep_readings,
	    .reload = reload};
	struct app app = {.keys = &a->keys};
	int failed, lock;

	(void)operand;
	(void)out;
	apply(a, &app);
	serve_block_signals();
	event_start();
	lock = lock_take(a->db, err);
	failed = lock < 0 || (serving.notify = notify_new(err)) == NULL ||
	    app_open(&app, a->db, a->key_file, &a->topics, err) ||
	    serve(&app, &serving, err);
	app_close(&app);
	notify_free(serving.notify);
	if (lock >= 0)
		close(lock);
	event_end();
	return failed;
}

static struct account_opts
account_of(const struct args *a)
{
	return (struct account_opts){.db = a->db,
	    .password_file = a->password_file,
	    .read_only = a->read_only,
	    .days = a->days};
}

static int
run_user_add(const struct args *a, const char *name, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)out;
	return account_add(&o, name, err);
}

static int
run_user_passwd(const struct args *a, const char *name, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)out;
	return account_passwd(&o, name, err);
}

static int
run_user_disable(const struct args *a, const char *name, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)out;
	return account_disable(&o, name, err);
}

static int
run_user_delete(const struct args *a, const char *name, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)out;
	return account_delete(&o, name, err);
}

static int
run_user_list(const struct args *a, const char *operand, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)operand;
	return account_list(&o, out, err);
}

static int
run_token_create(const struct args *a, const char *name, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	return account_token_create(&o, name, out, err);
}

static int
run_token_list(
    const struct args *a, const char *operand, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)operand;
	return account_token_list(&o, out, err);
}

static int
run_token_revoke(const struct args *a, const char *id, struct buf *out, struct err *err)
{
	const struct account_opts o = account_of(a);

	(void)out;
	return account_token_revoke(&o, id, err);
}

static int
run_export(const struct args *a, const char *dir, struct buf *out, struct err *err)
{
	struct app app = {.hash_rounds = a->hash_rounds};
	int failed = app_open(&app, a->db, a->key_file, &a->topics, err) ||
	    export_mosquitto(&app, dir, err);

	(void)out;
	app_close(&app);
	return failed;
}

static int
run_backup(const struct args *a, const char *to, struct buf *out, struct err *err)
{
	(void)out;
	return upkeep_backup(a->db, a->key_file, to, err);
}

static int
run_check(const struct args *a, const char *operand, struct buf *out, struct err *err)
{
	(void)operand;
	return upkeep_check(a->db, a->key_file, out, err);
}

static const struct command {
	const char *path;    /* a word, or two */
	const char *operand; /* what it needs; NULL: nothing */
	int (*run)(
	    const struct args *a, const char *operand, struct buf *out, struct err *err);
	bool makes; /* the database, when it is not there */
} commands[] = {
    {"serve", NULL, run_serve, true},
    {"user add", "NAME", run_user_add, true},
    {"user passwd", "NAME", run_user_passwd, false},
    {"user disable", "NAME", run_user_disable, false},
    {"user delete", "NAME", run_user_delete, false},
    {"user list", NULL, run_user_list, false},
    {"token create", "NAME", run_token_create, false},
    {"token list", NULL, run_token_list, false},
    {"token revoke", "ID", run_token_revoke, false},
    {"export mosquitto", "DIR", run_export, false},
    {"backup", "FILE", run_backup, false},
    {"check", NULL, run_check, false},
};

/* How many of the operands are its path; 0: another is meant. */
static int
words_of(const struct command *c, char **operands, int count)
{
	const char *second = strchr(c->path, ' ');
	size_t n = second != NULL ? (size_t)(second - c->path) : strlen(c->path);

	if (strlen(operands[0]) != n || memcmp(operands[0], c->path, n) != 0)
		return 0;
	if (second == NULL)
		return 1;
	return count > 1 && strcmp(operands[1], second + 1) == 0 ? 2 : 0;
}

static void
unknown_command(char **operands, int count, struct err *err)
{
	struct buf names = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", commands[i].path);
	err_set(err, ERR_USAGE, _("'%s%s%s' is no command; there are: %s"), operands[0],
	    count > 1 ? " " : "", count > 1 ? operands[1] : "", buf_str(&names));
	buf_release(&names);
}

static const struct command *
find_command(char **operands, int count, struct err *err)
{
	const struct command *c;
	size_t i = 0;
	int n = 0;

	if (count == 0)
		return &commands[0];
	while (i < ARRAY_LEN(commands) && n == 0)
		n = words_of(&commands[i++], operands, count);
	if (n == 0) {
		unknown_command(operands, count, err);
		return NULL;
	}
	c = &commands[i - 1];
	if (count == n + (c->operand != NULL))
		return c;
	else if (c->operand == NULL)
		err_set(err, ERR_USAGE, _("'%s' takes no operand"), c->path);
	else
		err_set(err, ERR_USAGE, _("'%s' takes one %s"), c->path, c->operand);
	return NULL;
}

static void
run(const struct opt_set *set, char **operands, int count, struct buf *out,
    struct err *err)
{
	const struct command *c = find_command(operands, count, err);
	struct args *a = set->base;

	if (c == NULL || opt_check_command(set, NULL, c->path, NULL, err))
		return;
	if (a->db == NULL)
		a->db = file_state_path("iotapi.db");
	if (a->db == NULL) {
		err_set(err, ERR_USAGE,
		    _("no home directory for the database; give --db FILE"));
		return;
	}
	if (a->key_file == NULL)
		a->key_file = xasprintf("%s.key", a->db);
	/* An export of a database that a typing error made would lock every device out. */
	if (!c->makes && access(a->db, F_OK) != 0)
		err_sys(err, ERR_USAGE, _("cannot open database '%s'"), a->db);
	else
		c->run(a, c->operand != NULL ? operands[count - 1] : NULL, out, err);
}

int
main(int argc, char **argv)
{
	struct args a = {0};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	int first;

	command_line.argc = argc;
	command_line.argv = argv;
	if (program_start(
		&set, &iotapi, &a, &a.common, argc, argv, &first, &answer, &err) == 0 &&
	    answer.n == 0)
		run(&set, argv + first, argc - first, &answer, &err);
	return program_end(&set, &answer, &err);
}
