/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer.h"
#include "iotingest/batch.h"
#include "iotingest/output.h"
#include "iotingest/sink.h"

enum {
	PIPE_BATCH =
	    128 << 10, /* bytes: a reader gets them soon, a stalled one costs little */
	SAFE_BATCH = 1 << 20, /* a sync or a command is worth more */
	STALL_MS = 10000,     /* for which a batch may wait without a word */
};

struct pipeline {
	struct loop *loop;
	const struct args *args;
	struct encoder *encoder;
	struct counts *counts;
	struct pipeline_events events;
	void *arg;
	struct output *out, *rejects;
	struct buf header; /* of rows */
	struct sink *sink;
	struct batch filling, writing;
	size_t bytes_most, messages_most;
	/* What was handed in and is not all lines yet. */
	struct {
		const struct msg *m;
		size_t n, at;
		uint64_t token;
		bool pending;
	} in;
	struct loop_timer linger;
	struct loop_timer stall; /* of a batch that is not taken */
	bool busy;               /* `writing` is on its way */
	bool drained;            /* the socket: nothing more is at hand */
	bool lingered;           /* `filling` has waited its time */
	bool held;               /* nothing lingers: see pipeline_held */
	bool hurry;
	bool advancing; /* inside `advance` */
	bool over;      /* failed: nothing goes on */
};

static bool
is_full(const struct pipeline *p)
{
	return p->filling.messages >= p->messages_most ||
	    p->filling.lines.n + p->filling.bad.n >= p->bytes_most;
}

static void advance(struct pipeline *p);

/* Ends with `failed`, because of `o`. A reader that has left is no error. */
static void
stop_with(struct pipeline *p, const struct output *o, const struct err *why)
{
	const struct err none = {0};
	const struct err *told = o != NULL && output_reader_left(o) ? &none : why;

	p->over = true;
	p->events.failed(p->arg, told);
}

/* The broker's queue fills now, and it says nothing of what it drops. */
static void
on_stall(void *arg)
{
	const struct pipeline *p = arg;

	consumer_tell_stall(p->sink != NULL ? "--sink" : _("standard output"), STALL_MS);
}

static void
on_safe(void *arg, const struct err *why)
{
	struct pipeline *p = arg;
	struct batch *b = &p->writing;
	uint64_t token = b->token;

	loop_timer_stop(&p->stall);
	if (why->code != ERR_OK) {
		stop_with(p, p->rejects, why);
		return;
	}
	p->counts->bytes_out += b->lines.n + b->bad.n;
	p->counts->batches++;
	if (b->has_token)
		p->counts->acknowledged = b->upto;
	batch_empty(b);
	p->busy = false;
	p->events.ack(p->arg, token);
	advance(p);
}

static void
on_lines_safe(void *arg, const struct err *why)
{
	struct pipeline *p = arg;

	if (why->code == ERR_OK) {
		if (p->writing.bad.n > 0 && output_is_terminal(p->rejects))
			log_transient(NULL);
		output_put(p->rejects, buf_as_span(&p->writing.bad), on_safe, p);
	} else {
		stop_with(p, p->out, why);
	}
}

static void
write_batch(struct pipeline *p)
{
	struct batch next = p->writing;

	p->writing = p->filling;
	p->filling = next;
	p->busy = true;
	p->lingered = false;
	loop_timer_stop(&p->linger);
	if (p->out != NULL && output_is_terminal(p->out))
		encoder_make_visible(p->encoder, &p->writing.lines);
	if (output_is_terminal(p->rejects))
		encoder_make_rejects_visible(&p->writing.bad);
	if (p->writing.lines.n == 0)
		on_lines_safe(p, &(struct err){0});
	else if (p->sink != NULL)
		sink_put(p->sink, buf_as_span(&p->writing.lines), on_lines_safe, p);
	else
		output_put(p->out, buf_as_span(&p->writing.lines), on_lines_safe, p);
	if (p->busy)
		loop_timer_set(p->loop, &p->stall, STALL_MS, on_stall, p);
}

static bool
is_wanted(const struct pipeline *p, const struct msg *m)
{
	return p->args->retained == RETAINED_KEEP ||
	    m->retain == (p->args->retained == RETAINED_ONLY);
}

static void
on_linger(void *arg)
{
	struct pipeline *p = arg;

	p->lingered = true;
	advance(p);
}

/* What is at hand, until the batch is full; what happens to each is counted together. */
static void
add_messages(struct pipeline *p)
{
	const struct msg *m = p->in.m + p->in.at, *end = p->in.m + p->in.n;
	size_t before = p->filling.messages, bytes = 0, lines = 0;
	struct counts *c = p->counts;

	for (; m < end && !is_full(p); m++) {
		size_t readings;

		bytes += m->topic.n + m->size;
		if (!is_wanted(p, m)) {
			c->skipped++;
			continue;
		}
		if (p->sink != NULL && p->filling.lines.n == 0)
			buf_span(&p->filling.lines, buf_as_span(&p->header));
		if (!encoder_put(
			p->encoder, m, &p->filling.lines, &readings, &p->filling.bad))
			c->rejected++;
		lines += readings;
		c->last_us = m->received_us;
		p->filling.messages++;
	}
	p->in.at = (size_t)(m - p->in.m);
	c->bytes_in += bytes;
	c->messages += p->filling.messages - before;
	c->readings += lines;
}

/* All that was handed in is lines now, and the batch that fills completes its token. */
static void
release_input(struct pipeline *p)
{
	p->in.pending = false;
	p->filling.token = p->in.token;
	p->filling.has_token = true;
	p->filling.upto = p->counts->messages;
	p->events.release(p->arg, p->in.token);
}

static void
take_input(struct pipeline *p)
{
	if (batch_is_empty(&p->filling) && p->args->linger > 0)
		loop_timer_set(p->loop, &p->linger, p->args->linger, on_linger, p);
	add_messages(p);
	if (p->in.at == p->in.n)
		release_input(p);
}

static bool
has_all(const struct pipeline *p)
{
	return p->args->count > 0 && p->counts->messages >= (uint64_t)p->args->count;
}

/* A pipe gets what was handed in at once; a sync or a command is worth waiting until nothing more
 * is at hand. */
static bool
is_due(const struct pipeline *p)
{
	bool is_stream = p->out != NULL && !output_is_file(p->out);

	if (is_full(p) || p->hurry || p->lingered || has_all(p))
		return true;
	return p->args->linger == 0 && (p->drained || is_stream);
}

/* Makes lines of what was handed in, or begins to write a batch; false: neither can be done now. */
static bool
step(struct pipeline *p)
{
	if (p->over)
		return false;
	if (p->in.pending && !is_full(p)) {
		take_input(p);
		return true;
	}
	if (p->busy || batch_is_empty(&p->filling) || !(is_due(p) || p->held))
		return false;
	if (!is_due(p))
		p->counts->held_back++;
	write_batch(p);
	return true;
}

/* An output may answer from inside a step, and its answer comes back here: the loop that runs already goes
 * on then, so that the stack does not grow with the number of batches. */
static void
advance(struct pipeline *p)
{
	if (p->advancing)
		return;
	p->advancing = true;
	while (step(p))
		;
	p->advancing = false;
}

void
pipeline_take(struct pipeline *p, const struct msg *m, size_t n, uint64_t token)
{
	p->in.m = m;
	p->in.n = n;
	p->in.at = 0;
	p->in.token = token;
	p->in.pending = true;
	p->drained = false;
	advance(p);
}

void
pipeline_drained(struct pipeline *p)
{
	p->drained = true;
	advance(p);
}

void
pipeline_held(struct pipeline *p, bool held)
{
	p->held = held;
	advance(p);
}

void
pipeline_hurry(struct pipeline *p)
{
	p->hurry = true;
	if (p->sink != NULL)
		sink_hurry(p->sink);
	advance(p);
}

void
pipeline_interrupt(struct pipeline *p)
{
	if (p->sink != NULL)
		sink_interrupt(p->sink);
}

bool
pipeline_reopen(struct pipeline *p)
{
	const bool lines = p->out != NULL && output_reopen(p->out);
	const bool rejects = output_reopen(p->rejects);

	return lines || rejects;
}

size_t
pipeline_waiting(const struct pipeline *p)
{
	return p->writing.messages + p->filling.messages;
}

static void
on_reader_left(void *arg)
{
	struct pipeline *p = arg;

	stop_with(p, p->out, &(struct err){0});
}

static int
open_rejects(struct pipeline *p, struct err *err)
{
	const char *path = p->args->rejects;
	const struct output_opts o = {.name = path != NULL ? path : _("standard error"),
	    .path = path,
	    .mode = 0600,
	    .archive = path != NULL,
	    .head = path != NULL ? ENCODER_HEAD : NULL,
	    .no_sync = p->args->no_sync};

	if (path != NULL && p->out != NULL && output_is_file_of(p->out, path))
		return err_set(err, ERR_USAGE,
		    _("--rejects '%s' is the file that the other lines go to: give "
		      "another"),
		    path);
	return output_open(&p->rejects, p->loop, STDERR_FILENO, &o, err);
}

/* What may only be read, as a descriptor that was closed before us (cli/program.c), could be opened once
 * more by its name, and would swallow everything. */
static bool
is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static int
open_lines(struct pipeline *p, struct err *err)
{
	const char *path = p->args->append;
	const struct output_opts o = {.name = path != NULL ? path : _("standard output"),
	    .path = path,
	    .mode = 0666,
	    .regular = true,
	    .archive = true,
	    .head = encoder_head(p->encoder),
	    .header = buf_as_span(&p->header),
	    .no_sync = p->args->no_sync,
	    .closed = on_reader_left,
	    .arg = p};

	if (path == NULL && !is_writable(STDOUT_FILENO)) {
		errno = EBADF;
		return err_sys(err, ERR_OUTPUT, _("cannot write to %s"), o.name);
	}
	if (output_open(&p->out, p->loop, STDOUT_FILENO, &o, err))
		return -1;
	p->bytes_most = output_is_file(p->out) ? SAFE_BATCH : PIPE_BATCH;
	return 0;
}

static int
open_outputs(struct pipeline *p, struct err *err)
{
	encoder_header(p->encoder, &p->header);
	if (p->args->sink != NULL) {
		p->sink = sink_new(p->loop, p->args->sink, p->args->sink_retries,
		    &p->counts->sink_failures);
		p->bytes_most = SAFE_BATCH;
	} else if (open_lines(p, err)) {
		return -1;
	}
	return open_rejects(p, err);
}

int
pipeline_new(struct pipeline **out, struct loop *loop, const struct args *a,
    struct encoder *encoder, struct counts *counts, const struct pipeline_events *events,
    void *arg, struct err *err)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->args = a;
	p->encoder = encoder;
	p->counts = counts;
	p->events = *events;
	p->arg = arg;
	p->messages_most = a->batch > 0 ? (size_t)a->batch : SIZE_MAX;
	*out = p;
	return open_outputs(p, err);
}

void
pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	loop_timer_stop(&p->linger);
	loop_timer_stop(&p->stall);
	sink_free(p->sink);
	output_close(p->out);
	output_close(p->rejects);
	buf_release(&p->header);
	batch_release(&p->filling);
	batch_release(&p->writing);
	free(p);
}
