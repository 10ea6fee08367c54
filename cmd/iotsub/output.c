/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/output.h"

#include <unistd.h>

#include "base/text.h"
#include "base/visible.h"
#include "msg/message_format.h"
#include "mqtt/consumer.h"

enum { STALL_MS = 10000 }; /* for which lines may wait without a word */

/* As mosquitto_sub does: an empty payload is nothing at all, or "(null)" behind its topic. */
static void
put_plain(const struct output *o, struct buf *out, const struct msg *m)
{
	bool is_empty = m->payload.n == 0;

	if (is_empty && (!o->topic || o->bare))
		return;
	if (o->topic) {
		buf_span(out, m->topic);
		buf_putc(out, ' ');
	}
	buf_span(out, is_empty ? SPAN("(null)") : m->payload);
	if (!o->bare)
		buf_putc(out, '\n');
}

static void
put_one(const struct output *o, struct buf *out, const struct msg *m)
{
	if (o->json) {
		message_line(out, m, o->topics);
	} else if (o->format != NULL) {
		message_format_put(o->format, out, m, o->topics);
		if (!o->bare)
			buf_putc(out, '\n');
	} else {
		put_plain(o, out, m);
	}
}

int
output_open(struct output *o, struct loop *loop,
    void (*settled)(void *arg, const struct err *why), void *arg, struct err *err)
{
	const struct writer_opts w = {.name = _("standard output"), .sync = true};

	o->loop = loop;
	o->settled = settled;
	o->arg = arg;
	o->terminal = isatty(STDOUT_FILENO) != 0;
	return writer_open(&o->writer, loop, STDOUT_FILENO, &w, err);
}

void
output_format(struct output *o, struct buf *to, const struct msg *m)
{
	if (!o->terminal) {
		put_one(o, to, m);
		return;
	}
	put_one(o, &o->one, m);
	visible_put_lines(to, buf_as_span(&o->one));
	buf_clear(&o->one);
}

void
output_put(struct output *o, const struct msg *m)
{
	output_format(o, &o->lines, m);
}

/* The broker's queue fills now, and it says nothing of what it drops. */
static void
on_stall(void *arg)
{
	(void)arg;
	consumer_tell_stall(_("standard output"), STALL_MS);
}

static void on_written(void *arg, const struct err *why);

static void
write_lines(struct output *o)
{
	struct buf next = o->writing;

	o->writing = o->lines;
	o->lines = next;
	writer_put(o->writer, &o->job, buf_as_span(&o->writing), on_written, o);
	if (o->job.queued)
		loop_timer_set(o->loop, &o->stall, STALL_MS, on_stall, o);
}

static void
on_written(void *arg, const struct err *why)
{
	struct output *o = arg;

	loop_timer_stop(&o->stall);
	buf_clear(&o->writing);
	if (why->code == ERR_OK && o->lines.n > 0)
		write_lines(o);
	else
		o->settled(o->arg, why);
}

void
output_flush(struct output *o)
{
	if (!o->job.queued)
		write_lines(o);
}

bool
output_is_busy(const struct output *o)
{
	return o->job.queued;
}

void
output_release(struct output *o)
{
	loop_timer_stop(&o->stall);
	writer_free(o->writer);
	buf_release(&o->lines);
	buf_release(&o->writing);
	buf_release(&o->one);
}
