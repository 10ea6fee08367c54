/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/batch_queue.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BATCHES_MOST = 8, BYTES_MOST = 1 << 20, AGAIN_MS = 1000 };

struct batch {
	struct batch_queue *q;
	struct msg *m;
	char *bytes; /* what the spans of m point to */
	size_t n, size;
	uint64_t token;
	enum { WITH_WRITER, STORED, FAILED } state;
	struct err why;
	struct batch *next;
};

struct batch_queue {
	struct batch_queue_opts o;
	struct batch *first, **last; /* as they came */
	size_t n, size, with_writer;
	struct loop_timer again;
	/* One has failed: those behind it fail too, so that they are stored in their order. Set by the writer, cleared
	 * while it has none. */
	atomic_bool broken;
};

static int
put_batch(struct db *db, void *arg, struct err *err)
{
	struct batch *b = arg;
	struct batch_queue *q = b->q;

	if (atomic_load(&q->broken))
		return err_set(err, ERR_FAILED, "a batch before it was not stored");
	if (q->o.put(db, b->m, b->n, q->o.arg, err) || db_failed(db, err)) {
		atomic_store(&q->broken, true);
		return -1;
	}
	return 0;
}

static void batch_done(void *arg);

static void
batch_stored(void *arg, const struct err *why)
{
	struct batch *b = arg;

	/* Also one that failed with its whole transaction, behind put_batch. */
	if (why->code != ERR_OK)
		atomic_store(&b->q->broken, true);
	b->why = *why;
	loop_post(b->q->o.loop, batch_done, b);
}

static void
submit(struct batch *b)
{
	b->state = WITH_WRITER;
	b->q->with_writer++;
	store_submit(b->q->o.store, put_batch, batch_stored, b);
}

static void
submit_again(void *arg)
{
	struct batch_queue *q = arg;
	struct batch *b;

	atomic_store(&q->broken, false);
	for (b = q->first; b != NULL; b = b->next) {
		if (b->state == FAILED)
			submit(b);
	}
}

static void
free_first(struct batch_queue *q)
{
	struct batch *b = q->first;

	q->first = b->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->n--;
	q->size -= b->size;
	free(b->m);
	free(b->bytes);
	free(b);
}

/* The first that failed says why; those behind it only that. */
static void
tell_failed(struct batch_queue *q)
{
	struct batch *b, *first = NULL;
	size_t messages = 0;

	for (b = q->first; b != NULL; b = b->next) {
		if (b->state != FAILED)
			continue;
		first = first != NULL ? first : b;
		messages += b->n;
	}
	q->o.failed(q->o.arg, messages, &first->why);
	loop_timer_set(q->o.loop, &q->again, AGAIN_MS, submit_again, q);
}

/* What is told last may free the queue. */
static void
batch_done(void *arg)
{
	struct batch *b = arg;
	struct batch_queue *q = b->q;
	uint64_t token = 0;
	bool some = false;

	b->state = b->why.code == ERR_OK ? STORED : FAILED;
	q->with_writer--;
	while (q->first != NULL && q->first->state == STORED) {
		token = q->first->token;
		some = true;
		free_first(q);
	}
	if (q->first != NULL && q->with_writer == 0)
		tell_failed(q);
	if (some)
		q->o.stored(q->o.arg, token);
}

struct batch_queue *
batch_queue_new(const struct batch_queue_opts *opts)
{
	struct batch_queue *q = xcalloc(1, sizeof(*q));

	q->o = *opts;
	q->last = &q->first;
	return q;
}

void
batch_queue_free(struct batch_queue *q)
{
	if (q == NULL)
		return;
	loop_timer_stop(&q->again);
	while (q->first != NULL)
		free_first(q);
	free(q);
}

static struct span
copy(char **to, struct span s)
{
	struct span copied = {*to, s.n};

	if (s.n != 0)
		memcpy(*to, s.p, s.n);
	*to += s.n;
	return copied;
}

void
batch_queue_put(struct batch_queue *q, const struct msg *m, size_t n, uint64_t token)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	char *to;
	size_t i;

	b->q = q;
	b->n = n;
	b->token = token;
	b->m = xcalloc(n, sizeof(*b->m));
	for (i = 0; i < n; i++)
		b->size += m[i].topic.n + m[i].payload.n;
	b->bytes = xmalloc(b->size + 1);
	to = b->bytes;
	for (i = 0; i < n; i++) {
		b->m[i] = m[i];
		b->m[i].topic = copy(&to, m[i].topic);
		b->m[i].payload = copy(&to, m[i].payload);
		b->m[i].props = (struct msg_props){0};
		b->m[i].padded = false;
	}
	*q->last = b;
	q->last = &b->next;
	q->n++;
	q->size += b->size;
	b->state = FAILED;
	/* What failed goes first. */
	if (q->again.slot == 0)
		submit(b);
}

bool
batch_queue_is_full(const struct batch_queue *q)
{
	return q->n >= BATCHES_MOST || q->size >= BYTES_MOST;
}

bool
batch_queue_is_empty(const struct batch_queue *q)
{
	return q->first == NULL;
}
