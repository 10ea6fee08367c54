/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login, logout, whoami. */
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/config.h"
#include "iotctl/core/tty.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/find_zone.h"
#include "iotctl/login/password_file.h"
#include "iotctl/login/pick_broker.h"
#include "iotctl/login/settings.h"
#include "iotctl/output/cell.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

static const char *
context_name(const struct ctl *c)
{
	return c->args->common.context != NULL ? c->args->common.context : "default";
}

int
run_whoami(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const rows[] = {"username", "full_name", "email",
	    "tipo_usuario", "is_superuser", "is_active"};
	struct rest_reply reply = {0};
	struct strv cells = {0};
	struct span user;
	struct buf cell = {0};
	size_t i;
	int failed;

	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("whoami takes no operand"));
	if (ctl_call(c, "whoami", "GET", "/api/users/me/", (struct span){0}, &reply, err))
		return -1;
	failed = ctl_object(&reply, "/api/users/me/", &user, err);
	if (!failed && c->args->format != FORMAT_TABLE) {
		show_raw(buf_as_span(&reply.body));
	} else if (!failed) {
		strv_add(&cells, "api");
		strv_add(&cells, rest_base(c->api));
		for (i = 0; i < ARRAY_LEN(rows); i++) {
			buf_clear(&cell);
			if (!cell_member(user, rows[i], &cell))
				continue;
			strv_add(&cells, rows[i]);
			strv_add(&cells, buf_str(&cell));
		}
		show_table(&cells, 2, NULL);
	}
	buf_release(&cell);
	strv_release(&cells);
	rest_reply_release(&reply);
	return failed;
}

int
run_logout(struct ctl *c, const struct operands *in, struct err *err)
{
	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("logout takes no operand"));
	return ctl_api(c, err) || rest_logout(c->api, err) ? -1 : 0;
}

/* The context's settings as they will be read again: all that was given, and what the login used. */
static int
save_context(struct ctl *c, const char *username, const char *broker,
    const char *broker_user, const char *zone, struct err *err)
{
	char *path = config_user_path(&c->args->common);
	struct config_pair top = {"context", context_name(c)};
	struct settings s = {0};
	char *file = c->args->api.password_file;
	int failed = 0;

	settings_given(&s, c->set);
	settings_put(&s, "api_url", rest_base(c->api));
	settings_put(&s, "username", username);
	if (c->args->api.auth_path != NULL ||
	    strcmp(rest_auth_path(c->api), "/api/auth/login/") != 0)
		settings_put(&s, "auth_path", rest_auth_path(c->api));
	if (broker != NULL)
		settings_put(&s, "broker", broker);
	if (broker != NULL && broker_user[0] != '\0')
		settings_put(&s, "mqtt_username", broker_user);
	if (zone != NULL)
		settings_put(&s, "api_tz", zone);
	if (file != NULL)
		settings_put_path(&s, "password_file", file);
	if (path == NULL)
		failed = err_set(
		    err, ERR_OUTPUT, _("no place for a configuration: HOME is not set"));
	else
		failed = config_save(path, context_name(c), s.pairs, s.n, err);
	if (!failed)
		failed = config_save(path, NULL, &top, 1, err);
	settings_release(&s);
	free(path);
	return failed;
}

static int
ask_for_login(struct ctl *c, char **username, char **password, struct err *err)
{
	const struct rest_options *o = &c->args->api;

	if (o->username != NULL)
		*username = xstrdup(o->username);
	else if (tty_ask(_("user name"), false, username, err))
		return err_in(err, "--api-username");
	if (o->password_file != NULL)
		return file_read_secret(o->password_file, password, err);
	if (tty_ask(_("password"), true, password, err))
		return err->code > ERR_SIGNAL ? -1 : err_in(err, "--password-file");
	return 0;
}

/* They are kept in the context, and would be refused by every program that reads it. */
static int
check_brokers(const struct strv *urls, struct err *err)
{
	size_t i;

	for (i = 0; i < urls->n; i++) {
		if (mqtt_options_check_urls(urls->v[i], err))
			return err_in(err, "--mqtt-url");
	}
	return 0;
}

int
run_login(struct ctl *c, const struct operands *in, struct err *err)
{
	char *username = NULL, *password = NULL, *broker = NULL, *broker_user = NULL;
	char *zone = NULL;
	bool named = mqtt_options_name_broker(&c->args->mqtt);
	int failed;

	if (in->n > 1)
		return err_set(err, ERR_USAGE, _("'%s': login takes one URL"), in->v[1]);
	if (settings_check_name(context_name(c), err) ||
	    check_brokers(&c->args->mqtt.urls, err))
		return -1;
	if (in->n == 1) {
		free(c->args->api.url);
		c->args->api.url = xstrdup(in->v[0]);
	}
	failed = ctl_api(c, err);
	if (!failed)
		rest_warn_plain(c->api);
	failed = failed || ask_for_login(c, &username, &password, err) ||
	    rest_login(c->api, username, password, err);
	if (!failed && !named)
		pick_broker(c, &broker, &broker_user);
	if (!failed)
		zone = find_zone(c);
	failed = failed || save_context(c, username, broker, broker_user, zone, err);
	if (!failed)
		log_warn(_("logged in at '%s' as '%s'; context '%s'"), rest_base(c->api),
		    username, context_name(c));
	failed = failed || password_file_move(c, err);
	free(username);
	free(broker);
	free(broker_user);
	free(zone);
	mem_free_secret(password);
	return failed ? -1 : 0;
}
