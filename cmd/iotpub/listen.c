/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: printed, run, answered. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "act.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/command.h"

enum { OUTPUT_MAX = 262144, ANSWER_QOS = 1, WAITING = 16 };

/* A command from its arrival to its answer. */
struct command {
	struct command *next, **at; /* all of them */
	struct device *device;
	struct buf id;        /* JSON; empty: not to be answered */
	char *response_topic; /* NULL: the device's own */
	struct buf correlation;
	bool correlated;
};

static struct command *
command_new(struct device *d, const struct msg *m)
{
	struct act *t = d->act;
	struct command *c = xcalloc(1, sizeof(*c));
	struct span id;

	c->device = d;
	if (command_id(m->payload, &id))
		buf_span(&c->id, id);
	if (m->props.response_topic.p != NULL)
		c->response_topic =
		    xstrndup(m->props.response_topic.p, m->props.response_topic.n);
	buf_span(&c->correlation, m->props.correlation);
	c->correlated = m->props.correlation.p != NULL;
	c->next = t->commands;
	c->at = &t->commands;
	if (c->next != NULL)
		c->next->at = &c->next;
	t->commands = c;
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
answer(const struct command *c, const struct handler_result *r)
{
	static const char *const words[] = {"ok", "error", "timeout"};
	const struct device *d = c->device;
	const struct msg_props props = {
	    .correlation = {
		c->correlated ? buf_as_span(&c->correlation).p : NULL, c->correlation.n}};
	struct buf payload = {0};
	struct session_pub p = {
	    .topic = c->response_topic != NULL ? c->response_topic : d->responses_topic,
	    .qos = ANSWER_QOS,
	    .props = &props};
	struct span result = r->output;
	struct err err = {0};
	int id;

	if (r->status != HANDLER_OK && result.n == 0)
		result = span_of(r->why.text);
	command_answer(
	    &payload, buf_as_span(&c->id), span_of(d->id), words[r->status], result);
	p.payload = buf_as_span(&payload);
	if (d->session == NULL || session_publish(d->session, &p, &id, &err))
		log_error(_("%s: a command could not be answered%s%s"), d->id,
		    err.text[0] != '\0' ? ": " : "", err.text);
	buf_release(&payload);
}

static void
resume(struct act *t)
{
	size_t i;

	for (i = 0; t->paused > 0 && i < t->n; i++) {
		if (!t->v[i].paused)
			continue;
		t->v[i].paused = false;
		t->paused--;
		if (t->v[i].session != NULL)
			session_pause(t->v[i].session, false);
	}
}

static void
on_done(void *arg, void *tag, const struct handler_result *r)
{
	struct act *t = arg;
	struct command *c = tag;
	struct device *d = c->device;

	if (r->why.code != ERR_OK)
		log_warn("%s: %s", d->id, r->why.text);
	if (c->id.n != 0)
		answer(c, r);
	command_free(c);
	resume(t);
	device_handled(d);
}

/* While all handlers are taken and some commands wait, no more are read: the broker keeps them. */
static void
run(struct device *d, const struct msg *m)
{
	struct act *t = d->act;
	struct command *c = command_new(d, m);
	struct buf text = {0};
	struct span id = {0};

	if (c->id.n != 0) {
		command_id_text(&text, buf_as_span(&c->id));
		id = buf_as_span(&text);
	}
	d->handling++;
	handlers_run(t->handlers, m, span_of(d->id), id, c);
	buf_release(&text);
	if (!d->paused && handlers_busy(t->handlers) >= (size_t)t->a->jobs + WAITING) {
		d->paused = true;
		t->paused++;
		session_pause(d->session, true);
	}
}

/* It came when the device had said goodbye: whoever sent it is told. */
static void
refuse(struct device *d, const struct msg *m)
{
	struct handler_result r = {.status = HANDLER_ERROR};
	struct command *c = command_new(d, m);

	err_set(&r.why, ERR_FAILED, _("the device is leaving"));
	if (c->id.n != 0)
		answer(c, &r);
	command_free(c);
}

/* A line has no NUL: JSON escapes it. Other bytes of a payload could drive a terminal. */
static void
make_visible(struct buf *line)
{
	struct buf shown = {0};
	size_t room = line->n * 4 + 1;

	line->n--;
	shown.n = text_visible(buf_reserve(&shown, room), room, buf_str(line));
	buf_putc(&shown, '\n');
	buf_release(line);
	*line = shown;
}

/* Straight to the descriptor: a command is acknowledged only when its line is out. */
static int
print(struct act *t, const struct msg *m)
{
	struct buf line = {0};
	size_t done = 0;
	ssize_t n = 0;

	message_line(&line, m, &t->topics);
	if (isatty(STDOUT_FILENO))
		make_visible(&line);
	while (done < line.n && (n >= 0 || errno == EINTR)) {
		n = write(STDOUT_FILENO, line.p + done, line.n - done);
		if (n > 0)
			done += (size_t)n;
	}
	buf_release(&line);
	if (n >= 0)
		return 0;
	if (errno != EPIPE && t->err->code == ERR_OK)
		err_sys(t->err, ERR_OUTPUT, _("cannot write to standard output"));
	return -1;
}

int
listen_message(struct device *d, const struct msg *m)
{
	struct act *t = d->act;

	if (print(t, m)) {
		act_cut(t);
		return -1;
	}
	if (t->handlers != NULL && d->said_goodbye)
		refuse(d, m);
	else if (t->handlers != NULL)
		run(d, m);
	return 0;
}

int
listen_init(struct act *t, struct err *err)
{
	const struct handler_opts o = {.command = t->a->exec,
	    .timeout = t->a->exec_timeout,
	    .jobs = (size_t)t->a->jobs,
	    .output_max = OUTPUT_MAX};

	if (t->a->exec == NULL)
		return 0;
	return handlers_new(&t->handlers, t->loop, &o, on_done, t, err);
}

void
listen_release(struct act *t)
{
	handlers_free(t->handlers);
	while (t->commands != NULL)
		command_free(t->commands);
}
