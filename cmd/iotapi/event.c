/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/event.h"

#include <pthread.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"

enum { VALUE_MOST = 512, MINUTE_MS = 60000, KEPT = 64 };

/* Failures that were told within the last minute. */
static struct event_state {
	pthread_mutex_t lock;
	struct told {
		uint64_t hash; /* of level and message */
		int64_t until; /* clock_ms() */
		size_t count;  /* since it was told */
		struct buf
		    line; /* the latest, without the time in front and the count behind */
	} v[KEPT];
	size_t n;
} events = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Bare where it is one word, else quoted as JSON is. */
static void
put_value(struct buf *out, struct span value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.:/+@";
	struct buf text = {0};

	if (value.n > VALUE_MOST)
		value.n = utf8_cut(value.p, VALUE_MOST);
	visible_put(&text, value);
	if (text.n != 0 && strspn(buf_str(&text), plain) == text.n)
		buf_span(out, buf_as_span(&text));
	else
		json_put_string(out, buf_as_span(&text));
	buf_release(&text);
}

static void
write_line(const struct buf *rest, size_t repeated)
{
	struct buf line = {0};

	buf_puts(&line, "time=");
	buf_time(&line, clock_wall_us());
	buf_putc(&line, ' ');
	buf_span(&line, buf_as_span(rest));
	if (repeated != 0)
		buf_printf(&line, " repeated=%zu", repeated);
	buf_putc(&line, '\n');
	log_raw(line.p, line.n);
	buf_release(&line);
}

static void
forget(size_t i)
{
	buf_release(&events.v[i].line);
	events.v[i] = events.v[--events.n];
}

/* What was repeated is told and watched for another minute. */
static void
close_minute(size_t i, int64_t now)
{
	struct told *t = &events.v[i];

	if (t->count == 0) {
		forget(i);
		return;
	}
	write_line(&t->line, t->count);
	t->count = 0;
	t->until = now + MINUTE_MS;
}

/* The one whose minute ends first makes room. */
static void
make_room(void)
{
	size_t i, first = 0;

	if (events.n < KEPT)
		return;
	for (i = 1; i < events.n; i++) {
		if (events.v[i].until < events.v[first].until)
			first = i;
	}
	if (events.v[first].count != 0)
		write_line(&events.v[first].line, events.v[first].count);
	forget(first);
}

/* Whether it is only counted. Takes over the line of a failure that it has not seen. */
static bool
is_repeated(uint64_t hash, const struct buf *line)
{
	struct told *t;
	size_t i;

	for (i = 0; i < events.n; i++) {
		t = &events.v[i];
		if (t->hash != hash)
			continue;
		t->count++;
		buf_clear(&t->line);
		buf_span(&t->line, buf_as_span(line));
		return true;
	}
	make_room();
	t = &events.v[events.n++];
	*t = (struct told){.hash = hash, .until = clock_ms() + MINUTE_MS};
	buf_span(&t->line, buf_as_span(line));
	return false;
}

static void
tell(const char *level, struct span msg, const char *name, const char *value)
{
	const bool failure = level[0] == 'e' || level[0] == 'w';
	struct buf line = {0};

	buf_printf(&line, "level=%s msg=", level);
	put_value(&line, msg);
	if (name != NULL) {
		buf_printf(&line, " %s=", name);
		put_value(&line, span_of(value));
	}
	pthread_mutex_lock(&events.lock);
	if (!failure ||
	    !is_repeated(hash_add(hash_add_text(HASH_START, level), msg), &line))
		write_line(&line, 0);
	pthread_mutex_unlock(&events.lock);
	buf_release(&line);
}

static void
take_message(const char *level, struct span text)
{
	tell(level, text, NULL, NULL);
}

void
event_start(void)
{
	text_translate(false);
	log_hand_over(take_message);
}

void
event_tick(int64_t now_ms)
{
	size_t i;

	pthread_mutex_lock(&events.lock);
	for (i = events.n; i-- > 0;) {
		if (events.v[i].until <= now_ms)
			close_minute(i, now_ms);
	}
	pthread_mutex_unlock(&events.lock);
}

void
event_end(void)
{
	pthread_mutex_lock(&events.lock);
	while (events.n > 0) {
		if (events.v[0].count != 0)
			write_line(&events.v[0].line, events.v[0].count);
		forget(0);
	}
	pthread_mutex_unlock(&events.lock);
	log_hand_over(NULL);
}

static void __attribute__((format(printf, 4, 0))) tell_as(
    const char *level, const char *name, const char *value, const char *fmt, va_list ap)
{
	struct buf msg = {0};

	buf_vprintf(&msg, fmt, ap);
	tell(level, buf_as_span(&msg), name, value);
	buf_release(&msg);
}

void
event_error(const char *name, const char *value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell_as("error", name, value, fmt, ap);
	va_end(ap);
}

void
event_notice(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell_as("info", NULL, NULL, fmt, ap);
	va_end(ap);
}
