/* SPDX-License-Identifier: GPL-3.0-or-later */
/* device command: publishes a command, and waits for its answer if asked to. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "mqtt/reason.h"
#include "iotctl/command.h"
#include "iotctl/mqtt/one_shot.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"

enum { COMMAND_MAX = 1 << 20, COMMAND_BIG = 1024 }; /* bytes */

/* One command on its way. */
struct errand {
	struct one_shot shot;
	struct ctl *c;
	const char *device;
	char *topic;
	char *answers;  /* topic of the answer; NULL: nobody waits */
	char token[17]; /* correlation data, and the id of an object that has none */
	struct buf command;
	struct span id; /* its id as JSON; p == NULL: it is no object */
	struct buf answer;
};

static void
on_late(void *arg)
{
	struct errand *e = arg;
	struct err err;

	if (e->answers == NULL)
		err_set(&err, ERR_UNREACHABLE,
		    _("%s did not acknowledge the command in time"),
		    session_broker(e->shot.session));
	else
		err_set(&err, ERR_TIMEOUT, _("device '%s' did not answer within %.3g s"),
		    e->device, (double)e->c->args->wait / 1000);
	one_shot_fail(&e->shot, &err);
}

static void
send(struct errand *e)
{
	struct msg_props props = {
	    .response_topic = span_of(e->answers), .correlation = span_of(e->token)};
	struct session_pub p = {.topic = e->topic,
	    .payload = buf_as_span(&e->command),
	    .qos = e->c->args->qos,
	    .props = e->answers != NULL ? &props : NULL};

	one_shot_publish(&e->shot, &p);
}

static void
on_up(void *arg)
{
	struct errand *e = arg;
	struct err err;

	if (e->answers == NULL)
		send(e);
	else if (session_subscribe(e->shot.session, e->answers, 1, false, &err))
		one_shot_fail(&e->shot, &err);
}

/* Again after a reconnect: the command is on its way then. */
static void
on_subscribed(void *arg, int qos)
{
	struct errand *e = arg;

	(void)qos;
	if (e->shot.id == 0)
		send(e);
}

static void
on_published(void *arg, int reason)
{
	struct errand *e = arg;

	if (reason == REASON_NO_MATCHING_SUBSCRIBERS)
		log_warn(_("nobody listens on '%s' now"), e->topic);
	if (e->answers == NULL)
		one_shot_done(&e->shot);
}

/* By the correlation data, else by the id; a command that could carry neither takes what comes. */
static bool
is_ours(const struct errand *e, const struct msg *m, struct span body)
{
	struct span id;

	if (m->props.correlation.p != NULL)
		return span_is(m->props.correlation, e->token);
	if (e->id.p == NULL)
		return session_version(e->shot.session) < 5;
	return json_member(body, "id", &id) && span_eq(id, e->id);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct errand *e = arg;
	struct span body = {0};
	struct span status;
	struct err err = {0};

	if (m->retain || !json_check(m->payload, &body, NULL) || !is_ours(e, m, body))
		return;
	json_put_compact(&e->answer, body);
	if (json_member(body, "status", &status) && !span_is(status, "\"ok\"")) {
		struct buf word = {0};

		if (json_kind(status) == JSON_KIND_STRING)
			json_unescape(&word, status);
		err_set(&err, ERR_FAILED, _("device '%s' answered with status '%s'"),
		    e->device, buf_str(&word));
		buf_release(&word);
	}
	one_shot_fail(&e->shot, &err);
}

static int
run_errand(struct ctl *c, struct errand *e, const struct session_opts *o, struct err *err)
{
	static const struct one_shot_events events = {.up = on_up,
	    .subscribed = on_subscribed,
	    .published = on_published,
	    .message = on_message,
	    .late = on_late};
	int failed = one_shot_run(&e->shot, c->loop, o, &events, e,
	    e->answers != NULL ? c->args->wait : c->args->api.timeout, err);

	show_raw(buf_as_span(&e->answer));
	return failed;
}

static int
read_command(struct ctl *c, const char *word, struct buf *out, struct err *err)
{
	struct buf text = {0};
	struct span value;
	size_t at;
	int failed = 0;

	if (strcmp(word, "-") == 0)
		failed = ctl_claim_stdin(c, _("the command"), err) ||
		    file_read("-", COMMAND_MAX, &text, err);
	else if (word[0] == '@')
		failed = file_read(word + 1, COMMAND_MAX, &text, err);
	else
		buf_puts(&text, word);
	if (!failed && !json_check(buf_as_span(&text), &value, &at))
		failed = err_set(err, ERR_USAGE,
		    _("the command is no JSON: wrong at byte %zu (a string needs its "
		      "quotes)"),
		    at + 1);
	if (!failed)
		buf_span(out, value);
	buf_release(&text);
	return failed ? -1 : 0;
}

/* The answer of an object is known by its id: one without gets the token. */
static void
mark_command(struct errand *e)
{
	struct span object = buf_as_span(&e->command);
	struct buf marked = {0};
	struct json_iter it = {.value = object};

	if (json_kind(object) != JSON_KIND_OBJECT || json_member(object, "id", &e->id))
		return;
	buf_printf(&marked, "{\"id\":\"%s\"%s", e->token, json_next(&it) ? "," : "");
	buf_put(&marked, object.p + 1, object.n - 1);
	buf_release(&e->command);
	e->command = marked;
	json_member(buf_as_span(&e->command), "id", &e->id);
}

static int
make_topics(struct ctl *c, struct errand *e, struct err *err)
{
	struct topic_set topics = {0};
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(e->device)};
	int failed = topic_set_compile(&topics, &c->args->topics, err) ||
	    topic_expand(topics.commands, &vars, &e->topic, err) ||
	    (c->args->wait > 0 &&
		topic_expand(topics.responses, &vars, &e->answers, err));

	topic_set_release(&topics);
	return failed;
}

static int
prepare(struct ctl *c, struct errand *e, struct err *err)
{
	if (make_topics(c, e, err) || random_hex(e->token, sizeof(e->token) - 1, err))
		return -1;
	if (e->answers != NULL)
		mark_command(e);
	if (e->command.n > COMMAND_BIG)
		log_warn(_("the command has %zu bytes: small devices take %d"),
		    e->command.n, COMMAND_BIG);
	return 0;
}

int
run_device_command(struct ctl *c, const struct operands *in, struct err *err)
{
	struct target t = {0};
	struct errand e = {.c = c};
	struct session_opts o = {0};
	int failed;

	if (in->n != 2)
		return err_set(err, ERR_USAGE, _("device command ID JSON|@FILE|-"));
	failed = read_command(c, in->v[1], &e.command, err) || ctl_loop(c, err) ||
	    target_find(c, in->v[0], &t, err);
	e.device = t.id;
	failed = failed || prepare(c, &e, err);
	if (!failed && c->args->dry_run)
		printf("PUBLISH %s %.*s\n", e.topic, (int)e.command.n, e.command.p);
	else if (!failed)
		failed = target_connection(c, &t, &o, err) || run_errand(c, &e, &o, err);
	buf_release(&e.answer);
	buf_release(&e.command);
	free(e.answers);
	free(e.topic);
	target_release(&t);
	return failed ? -1 : 0;
}
