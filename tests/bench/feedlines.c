/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BLOCK = 65536, DIGITS = 10 };

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The message a line tells of: its timestamp, 1760000000 + index, is the only number of ten digits
 * that starts so, in whatever form the line is. */
static bool
index_of(const char *p, size_t n, size_t *index)
{
	const char *end = p + n, *at = p;

	while ((at = memmem(at, (size_t)(end - at), "176", 3)) != NULL) {
		size_t i, value = 0;

		for (i = 0; at + i < end && digit(at[i]) && i <= DIGITS; i++)
			value = value * 10 + (size_t)(at[i] - '0');
		if (i == DIGITS && (at == p || !digit(at[-1]))) {
			*index = value - 1760000000;
			return true;
		}
		at += 3;
	}
	return false;
}

static void
one_line(struct lines *r, const char *p, size_t n, int64_t now)
{
	struct ledger *l = r->l;
	size_t i;

	l->lines++;
	if (!index_of(p, n, &i) || i >= l->n) {
		l->odd++;
		return;
	}
	if (l->seen[i] == r->o->lines)
		l->dup++;
	else if (++l->seen[i] == r->o->lines)
		l->whole++;
	if (l->sent != NULL && l->latencies < l->n)
		l->latency[l->latencies++] = (uint32_t)((now - l->sent[i]) / 1000);
}

static void
count_lines(struct lines *r, const char *p, size_t n)
{
	const char *end = p + n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		r->l->lines++;
		p++;
	}
}

static void
take(struct lines *r, const char *p, size_t n)
{
	int64_t now = feed_now();
	const char *end = p + n, *line;

	r->l->last = now;
	if (r->o->count) {
		count_lines(r, p, n);
		return;
	}
	while ((line = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (r->rest.n > 0) {
			buf_put(&r->rest, p, (size_t)(line - p));
			one_line(r, r->rest.p, r->rest.n, now);
			buf_clear(&r->rest);
		} else {
			one_line(r, p, (size_t)(line - p), now);
		}
		p = line + 1;
	}
	buf_put(&r->rest, p, (size_t)(end - p));
}

/* A file that is looked into appears when the subscriber makes it. */
static bool
is_open(struct lines *r)
{
	if (r->fd < 0)
		r->fd = open(r->found, O_RDONLY | O_CLOEXEC);
	return r->fd >= 0;
}

void
lines_drain(struct lines *r)
{
	static char block[BLOCK];
	int left = BLOCK;

	if (r->ended || (!r->pipe && !is_open(r)))
		return;
	if (r->pipe && ioctl(r->fd, FIONREAD, &left) != 0)
		feed_die("FIONREAD");
	do {
		ssize_t n = read(r->fd, block, sizeof(block));

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			feed_die("read");
		if (n <= 0) {
			r->ended = r->pipe && n == 0;
			return;
		}
		take(r, block, (size_t)n);
		if (r->pipe)
			left -= (int)n;
	} while (left > 0);
}

void
lines_judge(struct lines *r)
{
	struct ledger *l = r->l;
	size_t k, per = (size_t)r->o->lines;

	for (k = 0; k < l->fresh_n; k++) {
		size_t i = l->fresh[k];

		if (r->o->count ? l->lines < (i + 1) * per : l->seen[i] < per)
			l->early++;
	}
	l->fresh_n = 0;
}
