/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/consume.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	BATCH_MESSAGES = 1000,
	BATCH_BYTES = 1 << 20,
	STOP_TIME = 3000, /* ms for acknowledgements and DISCONNECT to leave */
};

/* Copies of messages, each with its bytes in one block of its own. */
struct batch {
	struct msg *v;
	void **blocks;
	size_t n, room, bytes;
};

/*
 * One batch fills while at most one is out. libmosquitto writes its whole queue or nothing, so that
 * acknowledgements are let go only when every message read so far is durable: while a batch is out
 * nothing is read. What comes all the same (several packets of one TLS record) is the next batch,
 * handed out as soon as the first is durable, and only when that one is durable too do both leave.
 */
struct consume {
	struct session *session;
	struct consume_events events;
	void *arg;
	struct batch filling, out;
	uint64_t token; /* of the batch that is out, else of the last one */
	bool is_out, stopping;
	size_t left;  /* messages still wanted: consume_limit */
	bool surplus; /* more than wanted were read: not to be acknowledged */
	struct filter {
		char *text;
		bool answered, refused;
	} * filters;
	size_t count;
	bool ready;
	struct err refusal;
};

static char *
copy_span(char *to, struct span *s)
{
	if (s->p == NULL)
		return to;
	if (s->n > 0)
		memcpy(to, s->p, s->n);
	s->p = to;
	return to + s->n;
}

static size_t
size_of(const struct msg *m)
{
	size_t n = m->topic.n + m->payload.n + m->props.content_type.n +
	    m->props.response_topic.n + m->props.correlation.n;
	size_t i;

	for (i = 0; i < m->props.users * 2; i++)
		n += m->props.user[i].n + sizeof(struct span);
	return n;
}

/* The block begins with the spans of the user properties, which want to be aligned. */
static void
batch_add(struct batch *b, const struct msg *from)
{
	size_t size = size_of(from), i;
	struct span *user = xmalloc(size + 1);
	char *at = (char *)(user + from->props.users * 2);
	struct msg *m;

	if (b->n == b->room) {
		b->room = b->room * 2 + 64;
		b->v = xreallocarray(b->v, b->room, sizeof(*b->v));
		b->blocks = xreallocarray(b->blocks, b->room, sizeof(*b->blocks));
	}
	m = &b->v[b->n];
	*m = *from;
	at = copy_span(at, &m->topic);
	at = copy_span(at, &m->payload);
	at = copy_span(at, &m->props.content_type);
	at = copy_span(at, &m->props.response_topic);
	at = copy_span(at, &m->props.correlation);
	for (i = 0; i < m->props.users * 2; i++) {
		user[i] = from->props.user[i];
		at = copy_span(at, &user[i]);
	}
	m->props.user = user;
	b->blocks[b->n++] = user;
	b->bytes += size;
}

static bool
batch_is_full(const struct batch *b)
{
	return b->n >= BATCH_MESSAGES || b->bytes >= BATCH_BYTES;
}

static void
batch_clear(struct batch *b)
{
	while (b->n > 0)
		free(b->blocks[--b->n]);
	b->bytes = 0;
}

static void
batch_release(struct batch *b)
{
	batch_clear(b);
	free(b->v);
	free(b->blocks);
}

static void
hand_out(struct consume *c)
{
	struct batch empty = c->out;

	if (c->is_out || c->filling.n == 0)
		return;
	c->out = c->filling;
	c->filling = empty;
	c->is_out = true;
	c->token++;
	session_pause(c->session, true);
	c->events.batch(c->arg, c->out.v, c->out.n, c->token);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct consume *c = arg;

	if (c->left == 0) {
		c->surplus = true;
		return;
	}
	c->left--;
	batch_add(&c->filling, m);
	if (c->left == 0 || batch_is_full(&c->filling))
		session_pause(c->session, true);
}

static void
on_dry(void *arg)
{
	struct consume *c = arg;

	hand_out(c);
	if (c->events.dry != NULL)
		c->events.dry(c->arg);
}

static void
on_up(void *arg, bool session_present)
{
	struct consume *c = arg;

	c->surplus = false;
	if (c->events.up != NULL)
		c->events.up(c->arg, session_present);
}

static void
on_down(void *arg, const struct err *why)
{
	struct consume *c = arg;

	if (c->events.down != NULL)
		c->events.down(c->arg, why);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct consume *c = arg;

	if (c->events.ended != NULL)
		c->events.ended(c->arg, c->refusal.code != ERR_OK ? &c->refusal : why);
}

/* A filter that was given twice is one subscription. */
static void
note_answer(struct consume *c, const char *text, bool refused)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (strcmp(c->filters[i].text, text) == 0) {
			c->filters[i].answered = true;
			c->filters[i].refused = refused;
		}
	}
}

/* When none is granted there is nothing to wait for. */
static void
look_at_answers(struct consume *c, const struct err *why)
{
	size_t answered = 0, refused = 0, i;

	for (i = 0; i < c->count; i++) {
		answered += c->filters[i].answered;
		refused += c->filters[i].refused;
	}
	if (refused == c->count) {
		c->refusal = *why;
		c->refusal.code = ERR_AUTH;
		consume_stop(c);
	} else if (answered == c->count && !c->ready) {
		c->ready = true;
		if (c->events.ready != NULL)
			c->events.ready(c->arg);
	}
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct consume *c = arg;

	(void)qos;
	note_answer(c, filter, why->code != ERR_OK);
	if (why->code != ERR_OK && c->count > 1 && c->events.refused != NULL)
		c->events.refused(c->arg, filter, why);
	look_at_answers(c, why);
}

static int
subscribe(struct consume *c, const struct consume_filter *filters, struct err *err)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		c->filters[i].text = xstrdup(filters[i].filter);
		if (session_subscribe(
			c->session, filters[i].filter, filters[i].qos > 0, false, err))
			return -1;
	}
	return 0;
}

struct consume *
consume_new(struct loop *loop, const struct session_opts *opts,
    const struct consume_filter *filters, size_t count,
    const struct consume_events *events, void *arg, struct err *err)
{
	static const struct session_events mine = {
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .message = on_message,
	    .dry = on_dry,
	    .subscribed = on_subscribed,
	};
	struct consume *c = xcalloc(1, sizeof(*c));
	struct session_opts held = *opts;

	held.hold_acks = true;
	c->events = *events;
	c->arg = arg;
	c->left = SIZE_MAX;
	c->count = count;
	c->filters = xcalloc(count, sizeof(*c->filters));
	c->session = session_new(loop, &held, &mine, c, err);
	if (c->session == NULL || subscribe(c, filters, err)) {
		consume_free(c);
		return NULL;
	}
	return c;
}

void
consume_start(struct consume *c)
{
	session_start(c->session);
}

void
consume_limit(struct consume *c, size_t n)
{
	c->left = n;
}

/* Everything that was read is durable: its acknowledgements may leave. */
static void
let_go(struct consume *c)
{
	if (!c->surplus)
		session_release_acks(c->session);
	if (c->stopping)
		session_stop(c->session, STOP_TIME);
	else if (c->left > 0)
		session_pause(c->session, false);
}

/* libmosquitto's reader takes no more before what it has read is durable. */
void
consume_taken(struct consume *c, uint64_t token)
{
	(void)c;
	(void)token;
}

void
consume_durable(struct consume *c, uint64_t token)
{
	if (!c->is_out || token != c->token)
		return;
	batch_clear(&c->out);
	c->is_out = false;
	if (c->filling.n > 0)
		hand_out(c);
	else
		let_go(c);
}

void
consume_stop(struct consume *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	session_pause(c->session, true);
	if (!c->is_out && c->filling.n == 0)
		session_stop(c->session, STOP_TIME);
}

void
consume_free(struct consume *c)
{
	size_t i;

	if (c == NULL)
		return;
	session_free(c->session);
	for (i = 0; i < c->count; i++)
		free(c->filters[i].text);
	free(c->filters);
	batch_release(&c->filling);
	batch_release(&c->out);
	free(c);
}
