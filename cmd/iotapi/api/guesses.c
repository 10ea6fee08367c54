/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/guesses.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

/* At most 40 passwords are tried in a second, 36,000 until the first is forgotten: by names made up at random so many
 * buckets do not get GUESSES_FREE each. */
enum { BUCKETS = 1 << 16, FIRST_WAIT = 1000, TELL_MS = 1000 };

struct guesses {
	pthread_mutex_t lock;
	int64_t quiet_until; /* of guesses_tell */
	struct bucket {
		int64_t until; /* no login before; since when, for those that are free */
		unsigned failures;
	} buckets[BUCKETS];
};

struct guesses *
guesses_new(void)
{
	struct guesses *g = xcalloc(1, sizeof(*g));

	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void
guesses_free(struct guesses *g)
{
	if (g == NULL)
		return;
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static struct bucket *
find(struct guesses *g, const char *name)
{
	const uint64_t hash = hash_of(span_of(name));

	return &g->buckets[(hash ^ hash >> 32) % BUCKETS];
}

int64_t
guesses_wait(struct guesses *g, const char *name, int64_t now)
{
	int64_t until;

	pthread_mutex_lock(&g->lock);
	until = find(g, name)->until;
	pthread_mutex_unlock(&g->lock);
	return until > now ? until - now : 0;
}

static int64_t
wait_after(unsigned failures)
{
	int64_t wait = FIRST_WAIT;

	if (failures <= GUESSES_FREE)
		return 0;
	for (; failures > GUESSES_FREE + 1 && wait < GUESSES_WAIT_MOST; failures--)
		wait *= 2;
	return wait < GUESSES_WAIT_MOST ? wait : GUESSES_WAIT_MOST;
}

unsigned
guesses_failed(struct guesses *g, const char *name, int64_t now)
{
	struct bucket *b = find(g, name);
	unsigned failures;

	pthread_mutex_lock(&g->lock);
	if (now > b->until + GUESSES_FORGET)
		b->failures = 0;
	failures = ++b->failures;
	b->until = now + wait_after(failures);
	pthread_mutex_unlock(&g->lock);
	return failures;
}

void
guesses_passed(struct guesses *g, const char *name)
{
	struct bucket *b = find(g, name);

	pthread_mutex_lock(&g->lock);
	*b = (struct bucket){0};
	pthread_mutex_unlock(&g->lock);
}

bool
guesses_tell(struct guesses *g, int64_t now)
{
	bool tell;

	pthread_mutex_lock(&g->lock);
	tell = now >= g->quiet_until;
	if (tell)
		g->quiet_until = now + TELL_MS;
	pthread_mutex_unlock(&g->lock);
	return tell;
}
