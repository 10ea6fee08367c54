/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/commands.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/visible.h"
#include "exec/responder.h"

struct commands {
	const struct topic_set *topics;
	struct writer *out; /* standard output */
	struct command_lines *lines;
	struct responder *responder; /* NULL: they are only printed */
	const struct commands_events *events;
	void *arg;
	struct err *err;
};

/* Bytes of a payload could drive a terminal. */
static void
make_visible(struct buf *line)
{
	struct buf shown = {0};

	visible_put_lines(&shown, buf_as_span(line));
	buf_release(line);
	*line = shown;
}

/* A command is acknowledged only when its line is out. */
static void
on_shown(void *arg, struct responder_device *r, const struct msg *m)
{
	struct commands *t = arg;
	struct device *d = device_of_commands(r);

	if (t->responder != NULL && device_said_goodbye(d))
		responder_refuse(t->responder, r, m);
	else if (t->responder != NULL)
		responder_take(t->responder, r, m);
	if (!command_lines_has(t->lines, r))
		device_acknowledge(d);
	device_answered(d);
}

static void
on_failed(void *arg, const struct err *why)
{
	struct commands *t = arg;

	if (!writer_reader_left(t->out) && t->err->code == ERR_OK)
		*t->err = *why;
	t->events->failed(t->arg);
}

static void
on_stalled(void *arg, bool stalled)
{
	const struct commands *t = arg;

	t->events->stalled(t->arg, stalled);
}

void
commands_take(struct commands *t, struct device *d, const struct msg *m)
{
	struct buf line = {0};

	message_line(&line, m, t->topics);
	if (isatty(STDOUT_FILENO))
		make_visible(&line);
	command_lines_put(t->lines, device_commands(d), buf_as_span(&line), m);
	buf_release(&line);
}

struct command_lines *
commands_lines(const struct commands *t)
{
	return t->lines;
}

static void
on_handled(void *arg, struct responder_device *r)
{
	(void)arg;
	device_answered(device_of_commands(r));
}

int
commands_new(struct commands **out, struct loop *loop, const struct args *a,
    const struct topic_set *topics, const struct commands_events *events, void *arg,
    struct err *err)
{
	static const struct command_lines_events lines = {
	    .shown = on_shown, .failed = on_failed, .stalled = on_stalled};
	const struct writer_opts out_opts = {.name = _("standard output")};
	const struct responder_opts o = {.exec = &a->exec,
	    .reply = a->reply,
	    .timeout = a->exec_timeout,
	    .jobs = (size_t)a->jobs};
	struct commands *t = *out = xcalloc(1, sizeof(*t));

	t->topics = topics;
	t->events = events;
	t->arg = arg;
	t->err = err;
	if (writer_open(&t->out, loop, STDOUT_FILENO, &out_opts, err))
		return -1;
	t->lines = command_lines_new(t->out, &lines, t);
	if (o.exec->n == 0 && o.reply == NULL)
		return 0;
	return responder_new(&t->responder, loop, &o, on_handled, t, err);
}

void
commands_free(struct commands *t)
{
	if (t == NULL)
		return;
	responder_free(t->responder);
	command_lines_free(t->lines);
	writer_free(t->out);
	free(t);
}
