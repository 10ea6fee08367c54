/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/latency.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A delay has five significant bits: exact under 32 us, then 32 buckets each time it doubles. */
enum { FINE = 32, FINE_BITS = 5, BUCKETS = 60 * FINE };

/* More messages of one sender than any run has. */
enum { MOST = 1 << 28 };

/* One bit a message. */
struct latency_seen {
	uint64_t *bits;
	size_t words;
};

void
latency_init(struct latency *t, size_t senders)
{
	*t = (struct latency){.senders = senders,
	    .seen = xcalloc(senders, sizeof(*t->seen)),
	    .delays = xcalloc(BUCKETS, sizeof(*t->delays))};
}

void
latency_release(struct latency *t)
{
	size_t i;

	for (i = 0; i < t->senders; i++)
		free(t->seen[i].bits);
	free(t->seen);
	free(t->delays);
	*t = (struct latency){0};
}

static size_t
bucket_of(uint64_t us)
{
	unsigned top;

	if (us < FINE)
		return (size_t)us;
	top = 63U - (unsigned)__builtin_clzll(us);
	return (size_t)(top - FINE_BITS + 1) * FINE +
	    (size_t)(us >> (top - FINE_BITS) & (FINE - 1));
}

/* The least delay of the next bucket, less one. */
static int64_t
most_of(size_t bucket)
{
	size_t octave = bucket / FINE;

	if (octave == 0)
		return (int64_t)bucket;
	return (int64_t)(((uint64_t)(FINE + bucket % FINE + 1) << (octave - 1)) - 1);
}

/* Whether it was there already. */
static bool
mark(struct latency_seen *s, uint64_t seq)
{
	size_t word = (size_t)(seq / 64);
	uint64_t bit = 1ULL << seq % 64;
	bool known;

	if (word >= s->words) {
		size_t room = word + word / 2 + 1;

		s->bits = xreallocarray(s->bits, room, sizeof(*s->bits));
		memset(s->bits + s->words, 0, (room - s->words) * sizeof(*s->bits));
		s->words = room;
	}
	known = (s->bits[word] & bit) != 0;
	s->bits[word] |= bit;
	return known;
}

static size_t
row_of(int64_t us)
{
	const uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;
	const size_t row = ms > 0 ? 64U - (unsigned)__builtin_clzll(ms) : 0;

	return row < LATENCY_ROWS ? row : LATENCY_ROWS - 1;
}

void
latency_take(struct latency *t, size_t sender, uint64_t seq, int64_t us)
{
	if (sender >= t->senders || seq == 0 || seq > MOST)
		return;
	if (mark(&t->seen[sender], seq)) {
		t->duplicated++;
		return;
	}
	t->received++;
	t->delays[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
	t->rows[row_of(us)]++;
}

void
latency_put_rows(struct buf *out, const struct latency *t)
{
	enum { LONGEST = 50 }; /* characters of the bar of all of them */
	static const char bar[LONGEST + 1] =
	    "##################################################";
	size_t i;

	for (i = 0; i < LATENCY_ROWS; i++) {
		const bool last = i == LATENCY_ROWS - 1;
		const double part =
		    t->received > 0 ? (double)t->rows[i] / (double)t->received : 0;
		const int length = (int)(part * (int)LONGEST + 0.5);

		buf_printf(out, "%s %4d ms %10llu %5.1f %%%s%.*s\n", last ? ">=" : " <",
		    1 << (last ? i - 1 : i), (unsigned long long)t->rows[i], part * 100,
		    length > 0 ? " " : "", length, bar);
	}
}

uint64_t
latency_lost(const struct latency *t)
{
	return t->sent > t->received ? t->sent - t->received : 0;
}

int64_t
latency_delay(const struct latency *t, double part)
{
	double wanted = part * (double)t->received;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		sum += t->delays[i];
		if (sum > 0 && (double)sum >= wanted)
			return most_of(i);
	}
	return 0;
}
