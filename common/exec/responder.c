/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/responder.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "msg/device_command.h"

enum { OUTPUT_MAX = 262144, ANSWER_QOS = 1 };

/* A command from its arrival to its answer. */
struct command {
	struct command *next, **at; /* all of them */
	struct responder *responder;
	struct responder_device *device;
	struct buf id;        /* JSON; empty: not to be answered */
	char *response_topic; /* NULL: the device's own */
	struct buf correlation;
	bool correlated;
};

/* A command that came, so that it is not run twice. */
struct known {
	struct buf key;    /* device and id */
	struct buf answer; /* empty: it is still being run */
};

struct responder {
	struct exec_pool *pool; /* NULL: `reply` answers */
	char *reply;
	size_t jobs;
	void (*handled)(void *arg, struct responder_device *d);
	void *arg;
	struct command *commands;
	struct responder_device *paused;         /* until a job is free */
	struct known known[RESPONDER_REMEMBERS]; /* a ring */
	size_t known_n;                          /* that ever were */
};

static struct command *
command_new(struct responder *r, struct responder_device *d, const struct msg *m)
{
	struct command *c = xcalloc(1, sizeof(*c));
	struct span id;

	c->responder = r;
	c->device = d;
	if (device_command_id(m->payload, &id))
		buf_span(&c->id, id);
	if (m->props.response_topic.p != NULL)
		c->response_topic =
		    xstrndup(m->props.response_topic.p, m->props.response_topic.n);
	buf_span(&c->correlation, m->props.correlation);
	c->correlated = m->props.correlation.p != NULL;
	c->next = r->commands;
	c->at = &r->commands;
	if (c->next != NULL)
		c->next->at = &c->next;
	r->commands = c;
	return c;
}

static void
command_free(struct command *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	buf_release(&c->id);
	free(c->response_topic);
	buf_release(&c->correlation);
	free(c);
}

static void
publish_answer(const struct command *c, struct span payload)
{
	const struct responder_device *d = c->device;
	const struct msg_props props = {
	    .correlation = {
		c->correlated ? buf_as_span(&c->correlation).p : NULL, c->correlation.n}};
	const struct session_pub p = {
	    .topic = c->response_topic != NULL ? c->response_topic : d->responses,
	    .payload = payload,
	    .qos = ANSWER_QOS,
	    .props = &props};
	struct err err = {0};
	int id;

	if (*d->session == NULL || session_publish(*d->session, &p, &id, &err))
		log_error(err.text[0] != '\0'
			? _("%s: a command could not be answered: %s")
			: _("%s: a command could not be answered"),
		    d->id, err.text);
}

static void
put_key(struct buf *key, const struct command *c)
{
	buf_puts(key, c->device->id);
	buf_putc(key, ' ');
	buf_span(key, buf_as_span(&c->id));
}

static struct known *
find_known(struct responder *r, const struct command *c)
{
	struct known *found = NULL;
	struct buf key = {0};
	size_t i;

	put_key(&key, c);
	for (i = 0; found == NULL && i < RESPONDER_REMEMBERS; i++) {
		if (span_eq(buf_as_span(&r->known[i].key), buf_as_span(&key)))
			found = &r->known[i];
	}
	buf_release(&key);
	return found;
}

/* In the place of the oldest. */
static void
add_known(struct responder *r, const struct command *c)
{
	struct known *k = &r->known[r->known_n++ % RESPONDER_REMEMBERS];

	buf_clear(&k->key);
	buf_release(&k->answer);
	put_key(&k->key, c);
}

static void
answer(struct command *c, const struct exec_pool_result *done)
{
	static const char *const words[] = {"ok", "error", "timeout"};
	struct known *k = find_known(c->responder, c);
	struct buf payload = {0};
	struct span result = done->output;

	if (done->status != EXEC_POOL_OK && result.n == 0)
		result = span_of(done->why.text);
	device_command_answer(&payload, buf_as_span(&c->id), span_of(c->device->id),
	    words[done->status], result);
	publish_answer(c, buf_as_span(&payload));
	if (k != NULL)
		buf_span(&k->answer, buf_as_span(&payload));
	buf_release(&payload);
}

/* Reads, or stops reading, as `paused` and `held` say. */
static void
apply_pause(struct responder_device *d)
{
	if (*d->session != NULL)
		session_pause(*d->session, d->paused || d->held);
}

static void
resume_all(struct responder *r)
{
	while (r->paused != NULL) {
		struct responder_device *d = r->paused;

		r->paused = d->next;
		d->paused = false;
		apply_pause(d);
	}
}

void
responder_hold(struct responder_device *d, bool held)
{
	if (d->held == held)
		return;
	d->held = held;
	apply_pause(d);
}

static void
on_done(void *arg, void *tag, const struct exec_pool_result *done)
{
	struct responder *r = arg;
	struct command *c = tag;
	struct responder_device *d = c->device;

	if (done->why.code != ERR_OK)
		log_warn("%s: %s", d->id, done->why.text);
	if (c->id.n != 0)
		answer(c, done);
	command_free(c);
	if (exec_pool_busy(r->pool) < r->jobs)
		resume_all(r);
	d->handling--;
	r->handled(r->arg, d);
}

static void
run_command(struct responder *r, struct command *c, const struct msg *m)
{
	struct responder_device *d = c->device;
	struct buf text = {0};
	struct span id = {0};

	if (c->id.n != 0) {
		device_command_id_text(&text, buf_as_span(&c->id));
		id = buf_as_span(&text);
	}
	d->handling++;
	exec_pool_run(r->pool, m, span_of(d->id), id, c);
	buf_release(&text);
	if (!d->paused && exec_pool_busy(r->pool) >= r->jobs) {
		d->paused = true;
		d->next = r->paused;
		r->paused = d;
		apply_pause(d);
	}
}

void
responder_take(struct responder *r, struct responder_device *d, const struct msg *m)
{
	struct command *c = command_new(r, d, m);
	const struct exec_pool_result fixed = {.output = span_of(r->reply)};
	const struct known *known = c->id.n != 0 ? find_known(r, c) : NULL;

	if (known != NULL) {
		log_info(_("%s: a command came again"), d->id);
		/* One that is still being run is answered when it is done. */
		if (known->answer.n != 0)
			publish_answer(c, buf_as_span(&known->answer));
		command_free(c);
		return;
	}
	if (c->id.n != 0)
		add_known(r, c);
	if (r->pool != NULL) {
		run_command(r, c, m);
		return;
	}
	if (c->id.n != 0)
		answer(c, &fixed);
	command_free(c);
}

void
responder_refuse(struct responder *r, struct responder_device *d, const struct msg *m)
{
	struct exec_pool_result leaving = {.status = EXEC_POOL_ERROR};
	struct command *c = command_new(r, d, m);

	err_set(&leaving.why, ERR_FAILED, _("the device is leaving"));
	if (c->id.n != 0)
		answer(c, &leaving);
	command_free(c);
}

int
responder_new(struct responder **out, struct loop *loop,
    const struct responder_opts *opts,
    void (*handled)(void *arg, struct responder_device *d), void *arg, struct err *err)
{
	const struct exec_pool_opts o = {.command = opts->exec,
	    .timeout = opts->timeout,
	    .jobs = opts->jobs,
	    .output_max = OUTPUT_MAX};
	struct responder *r = xcalloc(1, sizeof(*r));
	struct span value;

	*out = r;
	r->jobs = opts->jobs;
	r->handled = handled;
	r->arg = arg;
	if (opts->exec->n > 0)
		return exec_pool_new(&r->pool, loop, &o, on_done, r, err);
	r->reply = xstrdup(opts->reply);
	return json_check(span_of(r->reply), &value, NULL)
	    ? 0
	    : err_set(err, ERR_USAGE,
		  _("--reply: '%s' is no JSON; a text needs quotes, as in "
		    "'\"done\"'"),
		  r->reply);
}

void
responder_free(struct responder *r)
{
	size_t i;

	if (r == NULL)
		return;
	exec_pool_free(r->pool);
	while (r->commands != NULL)
		command_free(r->commands);
	for (i = 0; i < RESPONDER_REMEMBERS; i++) {
		buf_release(&r->known[i].key);
		buf_release(&r->known[i].answer);
	}
	free(r->reply);
	free(r);
}
