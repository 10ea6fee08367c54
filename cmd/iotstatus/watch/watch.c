/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live view's life: what feeds it, when it is drawn, how it ends. */
#include "iotstatus/watch/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/writer.h"
#include "iotstatus/print/print.h"
#include "iotstatus/watch/screen.h"
#include "iotstatus/watch/watch_draw.h"
#include "iotstatus/watch/watch_feed.h"

enum {
	REDRAW = 250, /* ms between two pictures */
	POLL_PUSHED =
	    60000, /* where the broker pushes, the API is asked for new devices only */
};

struct watch {
	struct device_check *check;
	enum format format;
	struct watch_model model;
	struct watch_choice choice;
	struct screen *screen;   /* NULL: plain lines */
	struct watch_feed *feed; /* NULL: nobody pushes, the API is asked often */
	struct loop_fd keys;
	struct loop_timer tick, redraw, poll, plain;
	struct writer *out; /* of plain lines */
	struct writer_job job;
	struct buf line;
	struct err unwritten;
	int64_t drawn; /* loop_now() */
	/* loop_now() when the API last answered, the broker was last there; before that, when we began */
	int64_t polled, pushed;
	bool
	    joinable; /* the API has listed devices that a broker may have spoken of by another id */
	bool poll_due, polling;
	bool uncounted; /* the fleet has changed since it was counted */
	bool over;
	int signo;
	char where[256], head[300];
	struct buf trouble; /* with the age of what is shown */
	char api_trouble[512];
};

/* An API that does not answer must not keep the person who wants to leave. */
static void
leave_at_once(const struct watch *w)
{
	if (w->screen != NULL)
		screen_leave(w->screen);
	if (w->signo == 0)
		exit(STATE_OK);
	signal(w->signo, SIG_DFL);
	loop_unblock_signals();
	raise(w->signo);
}

static void
stop(struct watch *w)
{
	w->over = true;
	loop_stop(w->check->loop);
	if (w->polling)
		leave_at_once(w);
}

static void
count(struct watch *w)
{
	/* In the middle of a poll the fleet is half new and half old. */
	if (w->polling)
		return;
	w->joinable |= watch_feed_found_unlisted(w->feed);
	if (w->joinable && w->model.listed)
		device_table_join(w->model.fleet);
	w->joinable = false;
	w->uncounted = false;
	watch_model_count(&w->model, clock_wall_us());
}

/* What is shown: while a source fails, numbers that were right once. */
static struct report
judge(struct watch *w)
{
	struct report r = {
	    .counts = w->model.counts, .limit = w->check->limits.all, .recovered = -1};
	const char *broker = watch_feed_trouble(w->feed);
	int64_t now = loop_now(w->check->loop);

	if (broker[0] == '\0')
		w->pushed = now;
	if (broker[0] != '\0' || w->api_trouble[0] != '\0') {
		r.trouble = broker[0] != '\0' ? broker : w->api_trouble;
		r.age = (now - (broker[0] != '\0' ? w->pushed : w->polled)) / 1000;
	}
	verdict_judge_report(&r, (enum state)w->check->args->on_empty);
	return r;
}

static void
picture(void *arg)
{
	struct watch *w = arg;
	struct watch_headline h = {.where = w->head};
	struct report r;

	w->drawn = loop_now(w->check->loop);
	if (w->uncounted)
		count(w);
	r = judge(w);
	buf_clear(&w->trouble);
	if (r.trouble != NULL)
		print_trouble_age(&w->trouble, &r);
	h.trouble = buf_str(&w->trouble);
	snprintf(
	    w->head, sizeof(w->head), "%s  %s", verdict_state_names[r.state], w->where);
	if (screen_size_changed(w->screen))
		screen_resize(w->screen);
	watch_draw(w->screen, &w->model, &w->choice, &h, clock_wall_us());
	if (screen_flush(w->screen) != 0)
		stop(w);
}

/* Soon, but not more often than every quarter of a second. */
static void
dirty(struct watch *w)
{
	int64_t next = w->drawn + REDRAW - loop_now(w->check->loop);

	if (w->screen != NULL && w->redraw.slot == 0)
		loop_timer_set(
		    w->check->loop, &w->redraw, next > 0 ? next : 0, picture, w);
}

static void
on_tick(void *arg)
{
	struct watch *w = arg;

	loop_timer_set(w->check->loop, &w->tick, 1000, on_tick, w);
	count(w);
	watch_model_tick(&w->model, watch_feed_is_settled(w->feed));
	dirty(w);
}

static void
changed(void *arg)
{
	struct watch *w = arg;

	w->uncounted = true;
	dirty(w);
}

/* A reader who leaves is no error. */
static void
on_plain_written(void *arg, const struct err *why)
{
	struct watch *w = arg;

	if (why->code == ERR_OK)
		return;
	if (!writer_reader_left(w->out))
		w->unwritten = *why;
	stop(w);
}

/* A line for who has no terminal. While one is not read, the next ones are left out. */
static void
on_plain(void *arg)
{
	struct watch *w = arg;
	struct report r = judge(w);

	loop_timer_set(w->check->loop, &w->plain, w->check->args->every, on_plain, w);
	if (w->job.queued)
		return;
	buf_clear(&w->line);
	if (w->format == FORMAT_JSON) {
		print_json(&w->line, &r);
	} else {
		print_when_local(&w->line, clock_wall_us());
		buf_putc(&w->line, ' ');
		if (w->format == FORMAT_NAGIOS)
			print_nagios(&w->line, &r);
		else
			print_text(&w->line, &r);
	}
	writer_put(w->out, &w->job, buf_as_span(&w->line), on_plain_written, w);
}

static void
on_poll(void *arg)
{
	struct watch *w = arg;

	w->poll_due = true;
	loop_stop(w->check->loop);
}

/* Who is not told of any more is gone: from EMQX's list the client, from the API's the device. */
static int
poll_once(struct watch *w, struct err *err)
{
	struct device_table *f = w->model.fleet;
	size_t n = f->n, i;
	struct device *before = xcalloc(n + 1, sizeof(*before));
	int failed;

	w->polling = true;
	for (i = 0; i < n; i++) {
		struct device_seen *s = &f->v[i].reported[VIEW_SOURCE];

		before[i] = f->v[i];
		f->v[i].listed = false;
		if (!w->model.listed && s->known)
			s->state = PRESENCE_OFFLINE;
	}
	failed = check_poll(w->check, err);
	for (i = 0; failed && i < n; i++) {
		f->v[i].listed = before[i].listed;
		f->v[i].reported[VIEW_SOURCE] = before[i].reported[VIEW_SOURCE];
	}
	free(before);
	w->polling = false;
	if (!failed)
		w->polled = loop_now(w->check->loop);
	w->joinable = true;
	count(w);
	return failed;
}

static void
poll_again(struct watch *w)
{
	int64_t every = w->feed != NULL ? (int64_t)POLL_PUSHED : w->check->args->every;
	struct err why = {0};

	w->poll_due = false;
	/* What was wrong stays so until an answer is here. */
	if (poll_once(w, &why) == 0)
		w->api_trouble[0] = '\0';
	else
		snprintf(w->api_trouble, sizeof(w->api_trouble), "%s", why.text);
	loop_timer_set(w->check->loop, &w->poll, every, on_poll, w);
	dirty(w);
}

static void
on_keys(void *arg, unsigned events)
{
	struct watch *w = arg;
	char bytes[128];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	(void)events;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		stop(w);
	if (n > 0 && watch_keys_take(&w->choice, bytes, (size_t)n))
		dirty(w);
	if (w->choice.quit)
		stop(w);
}

static void
on_end(void *arg, int signo)
{
	struct watch *w = arg;

	w->signo = signo;
	stop(w);
}

static void
on_size(void *arg, int signo)
{
	(void)signo;
	dirty(arg);
}

/* Ctrl-Z: the shell gets its terminal, and gives it back with fg. */
static void
on_suspend(void *arg, int signo)
{
	struct watch *w = arg;

	(void)signo;
	screen_leave(w->screen);
	raise(SIGSTOP);
	screen_enter(w->screen);
	dirty(w);
}

static int
open_screen(struct watch *w, struct err *err)
{
	struct loop *loop = w->check->loop;
	struct err none = {0};

	w->screen = screen_open(loop, changed, w, err);
	if (w->screen == NULL || loop_signal(loop, SIGWINCH, on_size, w, err) ||
	    loop_signal(loop, SIGTSTP, on_suspend, w, err))
		return -1;
	/* A file as standard input cannot be watched, and has no keys. */
	if (isatty(STDIN_FILENO))
		loop_fd_start(loop, &w->keys, STDIN_FILENO, LOOP_READ, on_keys, w, &none);
	on_tick(w);
	return 0;
}

static int
begin(struct watch *w, struct err *err)
{
	const struct options *a = w->check->args;
	const struct writer_opts out = {.name = _("standard output")};
	struct loop *loop = w->check->loop;
	bool push =
	    options_source(a) == SOURCE_MQTT || mqtt_options_name_broker(&a->mqtt);

	w->polled = w->pushed = loop_now(loop);
	if (loop_signal(loop, SIGINT, on_end, w, err) ||
	    loop_signal(loop, SIGTERM, on_end, w, err) ||
	    loop_signal(loop, SIGHUP, on_end, w, err) ||
	    (push &&
		(w->feed = watch_feed_new(w->check, &w->model, changed, w, err)) ==
		    NULL) ||
	    (options_source(a) != SOURCE_MQTT && poll_once(w, err)))
		return -1;
	snprintf(w->where, sizeof(w->where), "%s%s%s",
	    options_source(a) == SOURCE_API        ? rest_base(w->check->api)
		: options_source(a) == SOURCE_EMQX ? rest_base(w->check->emqx)
						   : "",
	    push && options_source(a) != SOURCE_MQTT ? "  " : "",
	    push ? w->check->session.host : "");
	if (options_source(a) != SOURCE_MQTT)
		loop_timer_set(loop, &w->poll, push ? POLL_PUSHED : a->every, on_poll, w);
	if (screen_is_possible())
		return open_screen(w, err);
	if (writer_open(&w->out, loop, STDOUT_FILENO, &out, err))
		return -1;
	loop_timer_set(loop, &w->tick, 1000, on_tick, w);
	loop_timer_set(loop, &w->plain, push ? 1000 : 0, on_plain, w);
	return 0;
}

static int
live(struct watch *w, struct err *err)
{
	while (!w->over) {
		if (loop_run(w->check->loop, err))
			return -1;
		if (w->poll_due && !w->over)
			poll_again(w);
	}
	return 0;
}

static void
end(struct watch *w)
{
	struct loop_timer *const timers[] = {&w->tick, &w->redraw, &w->poll, &w->plain};
	size_t i;

	for (i = 0; i < ARRAY_LEN(timers); i++)
		loop_timer_stop(timers[i]);
	loop_fd_stop(&w->keys);
	watch_feed_free(w->feed);
	screen_close(w->screen);
	writer_free(w->out);
	buf_release(&w->line);
	buf_release(&w->trouble);
	watch_model_release(&w->model);
}

int
watch_run(struct device_check *check, enum format format, struct err *err)
{
	struct watch w = {.check = check, .format = format};
	int failed;

	w.model.fleet = &check->fleet;
	w.model.listed = options_source(check->args) == SOURCE_API;
	w.model.max_age = check->args->max_age * 1000;
	log_never_wait();
	failed = begin(&w, err) || live(&w, err);
	end(&w);
	if (!failed && w.unwritten.code != ERR_OK) {
		*err = w.unwritten;
		failed = -1;
	} else if (!failed && w.signo != 0)
		err->code = (enum err_code)(ERR_SIGNAL + w.signo);
	return failed ? -1 : 0;
}
