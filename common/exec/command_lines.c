/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/command_lines.h"

#include <stdlib.h>

#include "base/mem.h"

/* A command whose line is on its way. */
struct waiting {
	struct waiting *next, **at;
	struct command_lines *lines;
	struct responder_device *device; /* NULL: forgotten */
	struct msg *m;
	struct buf line;
	struct writer_job job;
};

struct command_lines {
	struct writer *writer;
	const struct command_lines_events *events;
	void *arg;
	struct waiting *first;
	bool stalled;
};

static void
waiting_free(struct waiting *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	free(c->m);
	buf_release(&c->line);
	free(c);
}

struct command_lines *
command_lines_new(struct writer *w, const struct command_lines_events *events, void *arg)
{
	struct command_lines *l = xcalloc(1, sizeof(*l));

	*l = (struct command_lines){.writer = w, .events = events, .arg = arg};
	return l;
}

void
command_lines_free(struct command_lines *l)
{
	if (l == NULL)
		return;
	while (l->first != NULL) {
		writer_cancel(l->writer, &l->first->job);
		waiting_free(l->first);
	}
	free(l);
}

static void
on_written(void *arg, const struct err *why)
{
	struct waiting *c = arg;
	struct command_lines *l = c->lines;
	struct responder_device *d = c->device;
	struct msg *m = c->m;

	c->m = NULL;
	waiting_free(c);
	if (why->code != ERR_OK)
		l->events->failed(l->arg, why);
	else if (d != NULL)
		l->events->shown(l->arg, d, m);
	free(m);
}

static void
on_room(void *arg)
{
	struct command_lines *l = arg;

	l->stalled = false;
	l->events->stalled(l->arg, false);
}

void
command_lines_put(struct command_lines *l, struct responder_device *d, struct span line,
    const struct msg *m)
{
	struct waiting *c = xcalloc(1, sizeof(*c));

	*c = (struct waiting){.next = l->first,
	    .at = &l->first,
	    .lines = l,
	    .device = d,
	    .m = message_copy(m)};
	if (c->next != NULL)
		c->next->at = &c->next;
	l->first = c;
	buf_span(&c->line, line);
	writer_put(l->writer, &c->job, buf_as_span(&c->line), on_written, c);
	if (l->stalled || writer_has_room(l->writer))
		return;
	l->stalled = true;
	writer_await_room(l->writer, on_room, l);
	l->events->stalled(l->arg, true);
}

bool
command_lines_has(const struct command_lines *l, const struct responder_device *d)
{
	const struct waiting *c = l->first;

	while (c != NULL && c->device != d)
		c = c->next;
	return c != NULL;
}

size_t
command_lines_forget(struct command_lines *l, const struct responder_device *d)
{
	struct waiting *c;
	size_t n = 0;

	for (c = l->first; c != NULL; c = c->next) {
		n += c->device == d;
		c->device = c->device == d ? NULL : c->device;
	}
	return n;
}

bool
command_lines_are_stalled(const struct command_lines *l)
{
	return l->stalled;
}
