/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum { LIVE_EVERY = 1000 };

struct progress {
	struct loop *loop;
	struct progress_figures (*look)(void *arg);
	void (*put_places)(void *arg, struct buf *b);
	void *arg;
	int64_t began, stats;
	struct loop_timer tell, show;
	size_t told, shown; /* messages, at the last line */
	int64_t told_at, shown_at;
};

static double
rate(size_t messages, int64_t ms)
{
	return ms > 0 ? (double)messages * 1000 / (double)ms : 0;
}

static void
on_tell(void *arg)
{
	struct progress *r = arg;
	const struct progress_figures f = r->look(r->arg);
	int64_t now = loop_now(r->loop);
	struct buf b = {0};

	buf_puts(&b, "{\"time\":\"");
	buf_time(&b, clock_wall_us());
	buf_printf(&b,
	    "\",\"uptime\":%.1f,\"devices\":%zu,\"connected\":%zu,\"connecting\":%zu,"
	    "\"messages\":%zu,\"acknowledged\":%zu,\"in_flight\":%zu,\"errors\":%zu,"
	    "\"no_subscriber\":%zu,\"left_out\":%zu,\"sessions_lost\":%zu,"
	    "\"rate\":%.1f",
	    (double)(now - r->began) / 1000, f.devices, f.connected, f.connecting,
	    f.messages, f.acknowledged, f.in_flight, f.errors, f.unheard, f.left_out,
	    f.sessions_lost, rate(f.messages - r->told, now - r->told_at));
	if (f.verified)
		buf_printf(&b, ",\"p50_ms\":%.3g,\"p99_ms\":%.3g", (double)f.p50 / 1000,
		    (double)f.p99 / 1000);
	buf_puts(&b, ",\"brokers\":[");
	r->put_places(r->arg, &b);
	buf_puts(&b, "]}\n");
	log_raw(b.p, b.n);
	buf_release(&b);
	r->told = f.messages;
	r->told_at = now;
	loop_timer_set(r->loop, &r->tell, r->stats, on_tell, r);
}

static void
on_show(void *arg)
{
	struct progress *r = arg;
	const struct progress_figures f = r->look(r->arg);
	int64_t now = loop_now(r->loop);
	struct buf text = {0};

	buf_printf(&text,
	    P_("%zu connected, %zu connecting, %.0f messages/s, %zu acknowledged, %zu in "
	       "flight, %zu error",
		"%zu connected, %zu connecting, %.0f messages/s, %zu acknowledged, %zu "
		"in flight, %zu errors",
		f.errors),
	    f.connected, f.connecting, rate(f.messages - r->shown, now - r->shown_at),
	    f.acknowledged, f.in_flight, f.errors);
	log_transient(buf_str(&text));
	buf_release(&text);
	r->shown = f.messages;
	r->shown_at = now;
	loop_timer_set(r->loop, &r->show, LIVE_EVERY, on_show, r);
}

/* With --verbose every line would wipe it away. */
static bool
is_live(void)
{
	return isatty(STDERR_FILENO) && log_level() == LOG_WARN;
}

struct progress *
progress_start(struct loop *loop, int64_t stats,
    struct progress_figures (*look)(void *arg),
    void (*put_places)(void *arg, struct buf *b), void *arg)
{
	struct progress *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->stats = stats;
	r->look = look;
	r->put_places = put_places;
	r->arg = arg;
	r->began = r->told_at = r->shown_at = loop_now(loop);
	if (stats > 0)
		loop_timer_set(loop, &r->tell, stats, on_tell, r);
	if (is_live())
		loop_timer_set(loop, &r->show, LIVE_EVERY, on_show, r);
	return r;
}

/* What is worth a line, each only where there is something. */
static void
put_notes(struct buf *b, const struct progress_figures *f, const struct faults *faults)
{
	struct buf struck = {0};

	faults_put(&struck, faults);
	if (f->left_out > 0)
		buf_printf(b, _("; readings left out (--max-queued): %zu"), f->left_out);
	if (f->sessions_lost > 0)
		buf_printf(
		    b, _("; sessions that the broker had ended: %zu"), f->sessions_lost);
	if (struck.n > 0)
		buf_printf(b, _("; faults: %s"), buf_str(&struck));
	buf_release(&struck);
}

/* A list, each part of it with the comma in front. */
static void
say_summary(
    const struct progress_figures *f, size_t connected, double seconds, const char *notes)
{
	struct buf b = {0};

	buf_printf(&b,
	    P_("%zu of %zu device connected", "%zu of %zu devices connected", f->devices),
	    connected, f->devices);
	buf_printf(&b,
	    P_(", %zu message acknowledged in %.1f s",
		", %zu messages acknowledged in %.1f s", f->acknowledged),
	    f->acknowledged, seconds);
	buf_printf(&b, P_(", %zu error", ", %zu errors", f->errors), f->errors);
	log_warn("%s%s", buf_str(&b), notes);
	buf_release(&b);
}

void
progress_end(struct progress *r, size_t connected, const struct faults *faults)
{
	const double seconds = (double)(loop_now(r->loop) - r->began) / 1000;
	const struct progress_figures f = r->look(r->arg);
	struct buf notes = {0};
	bool wanted;

	log_transient(NULL);
	if (r->stats > 0)
		on_tell(r);
	put_notes(&notes, &f, faults);
	wanted = log_level() >= LOG_INFO || isatty(STDERR_FILENO) || notes.n > 0;
	if (f.unheard > 0)
		buf_printf(&notes, _("; messages without a subscriber: %zu"), f.unheard);
	if (wanted)
		say_summary(&f, connected, seconds, buf_str(&notes));
	buf_release(&notes);
}

void
progress_free(struct progress *r)
{
	if (r == NULL)
		return;
	loop_timer_stop(&r->tell);
	loop_timer_stop(&r->show);
	free(r);
}
