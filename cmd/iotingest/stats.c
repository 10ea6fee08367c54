/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/stats.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum { LIVE_EVERY = 1000, METRICS_EVERY = 15000 };

struct stats {
	struct loop *loop;
	const struct counts *counts;
	struct stats_opts opts;
	int64_t started_ms, started_us;
	struct loop_timer tell, show, write;
	/* At the last line: what the rate is counted from. */
	uint64_t told_messages, shown_messages;
	int64_t told_ms, shown_ms;
	bool write_failed; /* told once */
};

/* Where each is, and what it is called in the line and in the textfile. */
static const struct {
	const char *key, *metric, *help;
	size_t at;
} counters[] = {
    {"messages", "messages_total", "Messages received.",
	offsetof(struct counts, messages)},
    {"readings", "readings_total", "Sensor values written.",
	offsetof(struct counts, readings)},
    {"rejected", "rejected_total", "Messages that became reject lines.",
	offsetof(struct counts, rejected)},
    {"skipped", "skipped_total", "Messages left out by --retained.",
	offsetof(struct counts, skipped)},
    {"bytes_in", "received_bytes_total", "Bytes of topics and payloads received.",
	offsetof(struct counts, bytes_in)},
    {"bytes_out", "written_bytes_total", "Bytes of lines that are safe.",
	offsetof(struct counts, bytes_out)},
    {"batches", "batches_total", "Batches that are safe.",
	offsetof(struct counts, batches)},
    {"held_back", "held_back_total",
	"Batches that ended before --linger: the broker held back.",
	offsetof(struct counts, held_back)},
    {"acknowledged", "acknowledged_total", "Messages safe and acknowledged.",
	offsetof(struct counts, acknowledged)},
    {"sink_failures", "sink_failures_total", "Failed runs of the sink command.",
	offsetof(struct counts, sink_failures)},
    {"sessions_lost", "sessions_lost_total",
	"Kept sessions that the broker had ended before a reconnect.",
	offsetof(struct counts, sessions_lost)},
    {"shares_ended", "shares_ended_total",
	"Kept sessions of a group's member that the broker had ended before a reconnect.",
	offsetof(struct counts, shares_ended)},
};

static uint64_t
value_of(const struct counts *c, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)c + counters[i].at);
}

static uint64_t
reconnects(const struct counts *c)
{
	return c->connections > 0 ? c->connections - 1 : 0;
}

static double
rate(uint64_t messages, int64_t ms)
{
	return ms > 0 ? (double)messages * 1000 / (double)ms : 0;
}

static void
put_text(struct buf *out, const char *text)
{
	if (text != NULL)
		json_put_text(out, span_of(text));
	else
		buf_puts(out, "null");
}

void
stats_tell(struct stats *s)
{
	const struct counts *c = s->counts;
	struct buf b = {0};
	int64_t now = clock_ms();
	size_t i;

	buf_puts(&b, "{\"time\":\"");
	buf_time(&b, clock_wall_us());
	buf_printf(&b, "\",\"uptime\":%.1f", (double)(now - s->started_ms) / 1000);
	for (i = 0; i < ARRAY_LEN(counters); i++) {
		buf_printf(&b, ",\"%s\":", counters[i].key);
		buf_u64(&b, value_of(c, i));
	}
	buf_puts(&b, ",\"reconnects\":");
	buf_u64(&b, reconnects(c));
	buf_printf(&b, ",\"connected\":%s,\"broker\":", c->connected ? "true" : "false");
	put_text(&b, c->broker);
	buf_puts(&b, ",\"address\":");
	put_text(&b, c->address);
	buf_printf(&b, ",\"session_present\":%s,\"window\":%zu,\"rate\":%.1f}\n",
	    c->session_present ? "true" : "false", c->window,
	    rate(c->messages - s->told_messages, now - s->told_ms));
	log_raw(b.p, b.n);
	buf_release(&b);
	s->told_messages = c->messages;
	s->told_ms = now;
}

static void
on_tell(void *arg)
{
	struct stats *s = arg;

	stats_tell(s);
	loop_timer_set(s->loop, &s->tell, s->opts.interval, on_tell, s);
}

static void
on_show(void *arg)
{
	struct stats *s = arg;
	int64_t now = clock_ms();
	const unsigned long long n = s->counts->messages;
	const double per_second = rate(n - s->shown_messages, now - s->shown_ms);
	struct buf text = {0};

	if (s->counts->connected)
		buf_printf(&text, P_("%llu message, %.0f/s", "%llu messages, %.0f/s", n),
		    n, per_second);
	else
		buf_printf(&text,
		    P_("%llu message, %.0f/s, not connected",
			"%llu messages, %.0f/s, not connected", n),
		    n, per_second);
	log_transient(buf_str(&text));
	buf_release(&text);
	s->shown_messages = s->counts->messages;
	s->shown_ms = now;
	loop_timer_set(s->loop, &s->show, LIVE_EVERY, on_show, s);
}

static void
put_metric(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP iot_ingest_%s %s\n# TYPE iot_ingest_%s %s\niot_ingest_%s ",
	    name, help, name, type, name);
}

static void
put_gauge(struct buf *b, const char *name, const char *help, double value)
{
	put_metric(b, name, "gauge", help);
	buf_printf(b, "%.3f\n", value);
}

/* What has to be escaped in a label is what has to be in JSON. */
static void
put_connection(struct buf *b, const struct counts *c)
{
	put_metric(b, "connected", "gauge", "Whether the broker is connected (0 or 1).");
	buf_puts(b, c->connected ? "1\n" : "0\n");
	put_metric(b, "session_present", "gauge",
	    "Whether the broker resumed the session at the last connect (0 or 1).");
	buf_puts(b, c->session_present ? "1\n" : "0\n");
	put_metric(b, "window", "gauge",
	    "Unacknowledged messages that the broker sends at most; 0 is not known.");
	buf_printf(b, "%zu\n", c->window);
	if (c->broker == NULL)
		return;
	buf_puts(b,
	    "# HELP iot_ingest_connection_info The broker connected to last, and its "
	    "address.\n"
	    "# TYPE iot_ingest_connection_info gauge\n"
	    "iot_ingest_connection_info{broker=");
	put_text(b, c->broker);
	buf_puts(b, ",address=");
	put_text(b, c->address);
	buf_puts(b, "} 1\n");
}

static int
write_metrics(const struct stats *s, struct err *err)
{
	const struct counts *c = s->counts;
	struct buf b = {0};
	size_t i;
	int failed;

	for (i = 0; i < ARRAY_LEN(counters); i++) {
		put_metric(&b, counters[i].metric, "counter", counters[i].help);
		buf_printf(&b, "%llu\n", (unsigned long long)value_of(c, i));
	}
	put_metric(&b, "reconnects_total", "counter", "Connections after the first.");
	buf_printf(&b, "%llu\n", (unsigned long long)reconnects(c));
	put_connection(&b, c);
	put_gauge(&b, "start_time_seconds",
	    "When the program started, seconds since 1970.", (double)s->started_us / 1e6);
	if (c->last_us > 0)
		put_gauge(&b, "last_message_timestamp_seconds",
		    "When the last message came, seconds since 1970.",
		    (double)c->last_us / 1e6);
	failed = file_write(s->opts.metrics, buf_as_span(&b), 0644, err);
	buf_release(&b);
	return failed;
}

/* Data goes on when the numbers cannot be written. */
static void
refresh_metrics(struct stats *s)
{
	struct err err = {0};

	if (write_metrics(s, &err) && !s->write_failed)
		log_warn("%s", err.text);
	s->write_failed = err.code != ERR_OK;
}

static void on_write(void *arg);

static void
write_later(struct stats *s)
{
	loop_timer_set(s->loop, &s->write,
	    s->opts.interval > 0 ? s->opts.interval : METRICS_EVERY, on_write, s);
}

static void
on_write(void *arg)
{
	refresh_metrics(arg);
	write_later(arg);
}

struct stats *
stats_new(struct loop *loop, const struct counts *counts, const struct stats_opts *opts)
{
	struct stats *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->counts = counts;
	s->opts = *opts;
	s->started_us = clock_wall_us();
	s->started_ms = s->told_ms = s->shown_ms = clock_ms();
	return s;
}

int
stats_start(struct stats *s, struct err *err)
{
	if (s->opts.metrics != NULL) {
		if (write_metrics(s, err))
			return -1;
		write_later(s);
	}
	if (s->opts.interval > 0)
		loop_timer_set(s->loop, &s->tell, s->opts.interval, on_tell, s);
	if (s->opts.live)
		loop_timer_set(s->loop, &s->show, LIVE_EVERY, on_show, s);
	return 0;
}

/* A list, each part of it with the comma in front. */
static void
put_counts(struct buf *b, const struct counts *c)
{
	const unsigned long long messages = c->messages, readings = c->readings,
				 rejected = c->rejected, skipped = c->skipped,
				 again = reconnects(c), lost = c->sessions_lost,
				 shares = c->shares_ended, failures = c->sink_failures;

	buf_printf(b, P_("%llu message", "%llu messages", messages), messages);
	if (readings > 0)
		buf_printf(
		    b, P_(", %llu reading", ", %llu readings", readings), readings);
	if (rejected > 0)
		buf_printf(
		    b, P_(", %llu rejected", ", %llu rejected", rejected), rejected);
	if (skipped > 0)
		buf_printf(b, P_(", %llu skipped", ", %llu skipped", skipped), skipped);
	if (again > 0)
		buf_printf(b, P_(", %llu reconnect", ", %llu reconnects", again), again);
	if (lost > 0)
		buf_printf(
		    b, P_(", %llu session lost", ", %llu sessions lost", lost), lost);
	if (shares > 0)
		buf_printf(
		    b, P_(", %llu share ended", ", %llu shares ended", shares), shares);
	if (failures > 0)
		buf_printf(b, P_(", %llu sink failure", ", %llu sink failures", failures),
		    failures);
}

static void
say_summary(const struct stats *s)
{
	const struct counts *c = s->counts;
	double seconds = (double)(clock_ms() - s->started_ms) / 1000;
	struct buf b = {0};

	put_counts(&b, c);
	log_warn(_("%s in %.1f s"), buf_str(&b), seconds);
	buf_release(&b);
}

void
stats_end(struct stats *s, bool summary)
{
	log_transient(NULL);
	if (s->opts.metrics != NULL)
		refresh_metrics(s);
	if (summary)
		say_summary(s);
}

void
stats_free(struct stats *s)
{
	if (s == NULL)
		return;
	loop_timer_stop(&s->tell);
	loop_timer_stop(&s->show);
	loop_timer_stop(&s->write);
	free(s);
}
