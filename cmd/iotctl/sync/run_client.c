/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client list, get, kick: who is connected, as EMQX says. mosquitto has nobody to ask. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/confirm.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/write.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"
#include "iotctl/sync/emqx_api.h"

/* Columns of the report, by the member of EMQX's object; the first five are those of a list. */
static const char *const members[] = {"clientid", "username", "connected", "connected_at",
    "disconnected_at", "ip_address", "proto_ver", "keepalive", "expiry_interval",
    "subscriptions_cnt", "inflight_cnt", "mqueue_len", "mqueue_dropped"};

enum { LISTED = 5, NUMBERS_FROM = 6 };

/* mosquitto has nobody to ask; where nothing says that the broker is EMQX, it is taken for that. */
static int
open_api(struct emqx_api *a, struct ctl *c, struct err *err)
{
	const bool named =
	    opt_source_of(c->set, offsetof(struct args, driver)) != OPT_FROM_BUILTIN;
	const bool is_emqx = named ? c->args->driver == CTL_DRIVER_EMQX
				   : c->args->emqx_key_file != NULL ||
		opt_source_of(c->set, offsetof(struct args, emqx_url)) !=
		    OPT_FROM_BUILTIN;

	if (!is_emqx)
		return err_set(err, ERR_USAGE,
		    _("this broker cannot say who is connected: only EMQX can "
		      "(--driver emqx, --emqx-key-file)"));
	return emqx_api_open(a, c, err);
}

/* A member as a cell (free); empty where there is none. */
static char *
cell_of(const json_t *client, const char *member)
{
	const json_t *value = json_object_get(client, member);
	char *text;

	if (value == NULL || json_is_null(value))
		return xstrdup("");
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	text = json_dumps(value, JSON_ENCODE_ANY);
	return text != NULL ? text : xstrdup("");
}

struct listing {
	struct report report;
	size_t columns, rows;
};

static void
put_client(void *arg, const json_t *client)
{
	struct listing *l = arg;
	char *cells[ARRAY_LEN(members)];
	size_t i;

	for (i = 0; i < l->columns; i++)
		cells[i] = cell_of(client, members[i]);
	report_row(&l->report, (const char *const *)cells);
	for (i = 0; i < l->columns; i++)
		free(cells[i]);
	l->rows++;
}

static void
start(struct listing *l, const struct ctl *c, size_t columns)
{
	unsigned numbers = 0;
	size_t i;

	for (i = NUMBERS_FROM; i < columns; i++)
		numbers |= 1u << i;
	l->columns = columns;
	report_start(&l->report, c, members, columns, numbers);
}

int
run_client_list(struct ctl *c, const struct operands *in, struct err *err)
{
	struct listing l = {0};
	struct emqx_api a = {0};
	struct buf path = {0};
	size_t i;
	int failed = open_api(&a, c, err);

	buf_puts(&path, "/clients?fields=");
	for (i = 0; i < LISTED; i++)
		buf_printf(&path, "%s%s", i != 0 ? "," : "", members[i]);
	for (i = 0; i < in->n; i++) {
		buf_puts(&path, "&username=");
		rest_url_escape(&path, span_of(in->v[i]));
	}
	if (!failed) {
		start(&l, c, LISTED);
		failed = emqx_api_each(&a, buf_str(&path), put_client, &l, err);
		report_end(&l.report);
	}
	buf_release(&path);
	emqx_api_close(&a);
	return failed;
}

static char *
path_of(const char *id)
{
	struct buf path = {0};

	buf_puts(&path, "/clients/");
	rest_url_escape(&path, span_of(id));
	return buf_steal(&path);
}

int
run_client_get(struct ctl *c, const struct operands *in, struct err *err)
{
	struct listing l = {0};
	struct emqx_api a = {0};
	json_t *client = NULL;
	char *path;
	int failed;

	if (in->n != 1)
		return err_set(err, ERR_USAGE, _("client get takes one CLIENT-ID"));
	path = path_of(in->v[0]);
	failed =
	    open_api(&a, c, err) || emqx_api_call(&a, "GET", path, NULL, &client, err);
	if (!failed) {
		start(&l, c, ARRAY_LEN(members));
		put_client(&l, client);
		report_end(&l.report);
	}
	json_decref(client);
	free(path);
	emqx_api_close(&a);
	return failed ? -1 : 0;
}

static int
kick_one(struct ctl *c, const char *id, void *arg, struct err *err)
{
	char *path = path_of(id);
	int failed = 0;

	if (c->args->dry_run)
		write_show("DELETE", path, NULL);
	else if ((failed = emqx_api_call(arg, "DELETE", path, NULL, NULL, err)) != 0)
		err_in(err, _("client '%s'"), id);
	else
		ctl_say(c, _("disconnected client '%s'"), id);
	free(path);
	return failed;
}

int
run_client_kick(struct ctl *c, const struct operands *in, struct err *err)
{
	struct emqx_api a = {0};
	struct strv ids = {0};
	char *question;
	int failed;

	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("client kick takes CLIENT-IDs"));
	failed = ctl_operands(c, in, 0, &ids, err) || open_api(&a, c, err);
	if (!failed && !c->args->yes && !c->args->dry_run) {
		question = xasprintf(
		    P_("disconnect %zu client, whose kept session ends with what is "
		       "queued for it? [y/N]",
			"disconnect %zu clients, whose kept sessions end with what is "
			"queued for them? [y/N]",
			ids.n),
		    ids.n);
		failed = confirm(question, _("nobody was disconnected"), err);
		free(question);
	}
	failed = failed || jobs_each(c, 1, &ids, kick_one, &a, err);
	strv_release(&ids);
	emqx_api_close(&a);
	return failed ? -1 : 0;
}
