/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/sync/control.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define REQUESTS "$CONTROL/dynamic-security/v1"
#define ANSWERS REQUESTS "/response"

/* ms: the plugin writes its whole file for each command. */
enum { PATIENCE = 60000, GOODBYE = 2000 };

struct control {
	struct loop *loop;
	struct session *session;
	struct loop_timer timer;
	bool ready, ended;
	json_t *answer; /* NULL: none yet */
	struct err err;
};

static void
fail(struct control *k, const struct err *why)
{
	if (k->err.code == ERR_OK)
		k->err = *why;
	loop_stop(k->loop);
}

static void
on_up(void *arg, bool present)
{
	struct control *k = arg;
	struct err why = {0};

	(void)present;
	if (session_subscribe(k->session, ANSWERS, 1, false, &why))
		fail(k, &why);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct control *k = arg;

	(void)filter;
	(void)qos;
	if (why->code != ERR_OK)
		fail(k, why);
	k->ready = true;
	loop_stop(k->loop);
}

/* What was on its way may be done or not: the next run looks. */
static void
on_down(void *arg, const struct err *why)
{
	fail(arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct control *k = arg;

	k->ended = true;
	if (why->code != ERR_OK)
		fail(k, why);
	loop_stop(k->loop);
}

static void
on_published(void *arg, int id, int reason)
{
	struct control *k = arg;
	struct err why;

	(void)id;
	if (reason < 128)
		return;
	err_set(&why, ERR_AUTH,
	    _("%s does not let us administer its dynamic security: is the plugin loaded, "
	      "and the login an administrator's?"),
	    session_broker(k->session));
	fail(k, &why);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct control *k = arg;
	json_t *all = json_loadb(m->payload.p, m->payload.n, 0, NULL);
	json_t *answers = json_object_get(all, "responses");

	if (k->answer == NULL && json_is_array(answers))
		k->answer = json_incref(answers);
	json_decref(all);
	loop_stop(k->loop);
}

static void
on_late(void *arg)
{
	struct control *k = arg;
	struct err why;

	err_set(&why, ERR_UNREACHABLE,
	    _("%s: no answer of dynamic security within %d s: is the plugin loaded?"),
	    session_broker(k->session), PATIENCE / 1000);
	fail(k, &why);
}

/* Until *what, or a reason why it cannot come. */
static int
wait_until(struct control *k, bool (*is)(const struct control *k), struct err *err)
{
	int failed = 0;

	loop_timer_set(k->loop, &k->timer, PATIENCE, on_late, k);
	while (!failed && !is(k) && k->err.code == ERR_OK)
		failed = loop_run(k->loop, err);
	loop_timer_stop(&k->timer);
	if (!failed && k->err.code != ERR_OK)
		*err = k->err;
	return failed || k->err.code != ERR_OK ? -1 : 0;
}

static bool
is_ready(const struct control *k)
{
	return k->ready;
}

static bool
is_answered(const struct control *k)
{
	return k->answer != NULL;
}

static bool
is_ended(const struct control *k)
{
	return k->ended;
}

struct control *
control_open(struct ctl *c, const struct session_opts *o, struct err *err)
{
	static const struct session_events events = {.up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .published = on_published,
	    .subscribed = on_subscribed};
	struct control *k;

	if (ctl_loop(c, err))
		return NULL;
	k = xcalloc(1, sizeof(*k));
	k->loop = c->loop;
	k->session = session_new(c->loop, o, &events, k, err);
	if (k->session != NULL) {
		session_start(k->session);
		if (wait_until(k, is_ready, err) == 0)
			return k;
	}
	control_close(k);
	return NULL;
}

json_t *
control_call(struct control *k, json_t *commands, struct err *err)
{
	json_t *request = json_pack("{s:o}", "commands", commands), *answer;
	char *text = json_dumps(request, JSON_COMPACT);
	const struct session_pub m = {
	    .topic = REQUESTS, .payload = span_of(text), .qos = 1};
	size_t n = json_array_size(commands);
	int id, failed;

	failed = session_publish(k->session, &m, &id, err) ||
	    wait_until(k, is_answered, err) != 0;
	json_decref(request);
	mem_free_secret(text);
	answer = k->answer;
	k->answer = NULL;
	if (!failed && json_array_size(answer) != n)
		failed = err_set(err, ERR_PROTOCOL,
		    P_("dynamic security answers %zu of %zu command",
			"dynamic security answers %zu of %zu commands", n),
		    json_array_size(answer), n);
	if (!failed)
		return answer;
	json_decref(answer);
	return NULL;
}

json_t *
control_ask(struct control *k, json_t *command, struct err *err)
{
	char *name = xstrdup(json_string_value(json_object_get(command, "command")));
	json_t *answers = control_call(k, json_pack("[o]", command), err);
	json_t *one = json_array_get(answers, 0);
	json_t *data = json_object_get(one, "data");
	const char *word = json_string_value(json_object_get(one, "error"));

	if (one != NULL && data == NULL)
		err_set(err, ERR_PROTOCOL, "%s: %s", name,
		    word != NULL ? word : _("no data"));
	json_incref(data);
	json_decref(answers);
	free(name);
	return data;
}

void
control_close(struct control *k)
{
	struct err why = {0};

	if (k == NULL)
		return;
	if (k->session != NULL && !k->ended) {
		k->err = (struct err){0};
		session_stop(k->session, GOODBYE);
		wait_until(k, is_ended, &why);
	}
	session_free(k->session);
	json_decref(k->answer);
	free(k);
}
