/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/serve.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"
#include "iotapi/event.h"
#include "iotapi/http/request.h"
#include "iotapi/mqtt/broker_pool.h"
#include "iotapi/notify.h"
#include "iotapi/retention.h"

enum { TICK_MS = 1000, GOODBYE_MS = 1000 };

struct serving {
	struct app *app;
	const struct serve_opts *opts;
	struct loop *loop;
	struct loop_timer tick, deadline;
	struct server *server;
	int signo; /* that ended it */
};

static void
worker_is_done(void *arg)
{
	struct serving *s = arg;

	loop_stop(s->loop);
}

static void
tick(void *arg)
{
	struct serving *s = arg;

	event_tick(clock_ms());
	loop_timer_set(s->loop, &s->tick, TICK_MS, tick, s);
}

/* HTTP first, for three and a half seconds (server_stop): nothing new comes in by it while the worker's last batch is written. A
 * broker that takes no goodbye is not waited for: what it was not told is sent again to the next session. */
static void
end(void *arg, int signo)
{
	struct serving *s = arg;

	if (s->signo != 0) {
		loop_stop(s->loop);
		return;
	}
	s->signo = signo;
	atomic_store(&s->app->stopping, true);
	notify_tell(s->opts->notify, "STOPPING=1");
	server_stop(s->server);
	s->server = NULL;
	loop_timer_set(s->loop, &s->deadline, GOODBYE_MS, worker_is_done, s);
	broker_pool_stop(s->app->worker, worker_is_done, s);
}

static void
reload(void *arg, int signo)
{
	struct serving *s = arg;
	struct err err = {0};
	char *state =
	    xasprintf("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_ms() * 1000);

	(void)signo;
	notify_tell(s->opts->notify, state);
	free(state);
	if (s->opts->reload(s->opts->arg, s->app, &err)) {
		err_in(&err, _("all stays as it was"));
		log_err(&err);
	} else {
		broker_pool_refresh(s->app->worker);
		event_notice("reloaded");
	}
	notify_tell(s->opts->notify, "READY=1");
}

static void
writer_is_alive(void *arg)
{
	struct serving *s = arg;

	notify_alive(s->opts->notify);
}

static void
writer_answered(void *arg, const struct err *why)
{
	struct serving *s = arg;

	(void)why;
	loop_post(s->loop, writer_is_alive, s);
}

/* Alive is who gets through the loop and the writer, whatever the database has to say. */
static void
ask_writer(void *arg)
{
	struct serving *s = arg;

	store_submit(s->app->store, store_nothing, writer_answered, s);
}

static int
announce(struct serving *s, const char *url_file, struct err *err)
{
	char *line = xasprintf("%s\n", server_url(s->server));
	char *state = xasprintf("READY=1\nSTATUS=serving %s", server_url(s->server));
	int failed =
	    url_file != NULL && file_write(url_file, span_of(line), 0644, err) != 0;

	if (!failed) {
		event_notice("serving %s", server_url(s->server));
		notify_tell(s->opts->notify, state);
		notify_watch(s->opts->notify, s->loop, ask_writer, s);
	}
	free(state);
	free(line);
	return failed ? -1 : 0;
}

void
serve_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int
serve(struct app *app, const struct serve_opts *opts, struct err *err)
{
	struct serving s = {.app = app, .opts = opts, .loop = loop_new(err)};
	struct retention *retention = NULL;
	int failed = s.loop == NULL || loop_signal(s.loop, SIGTERM, end, &s, err) ||
	    loop_signal(s.loop, SIGINT, end, &s, err) ||
	    loop_signal(s.loop, SIGHUP, reload, &s, err);

	/* Long bodies and answers go back to the system; malloc would keep them, each thread of the server its own. Where these
	 * threads end it keeps as much as one that is not long needs. */
	mallopt(M_MMAP_THRESHOLD, REQUEST_LONG);
	mallopt(M_TRIM_THRESHOLD, 2 * REQUEST_LONG);
	if (!failed) {
		tick(&s);
		retention = retention_new(s.loop, app->store, opts->keep_readings);
		app->worker = broker_pool_new(s.loop, app, err);
		failed = app->worker == NULL ||
		    server_start(&s.server, s.loop, app, &opts->http, err) ||
		    announce(&s, opts->url_file, err) || loop_run(s.loop, err);
	}
	notify_unwatch(opts->notify);
	server_stop(s.server);
	broker_pool_free(app->worker);
	app->worker = NULL;
	retention_free(retention);
	if (s.loop != NULL) {
		loop_timer_stop(&s.tick);
		loop_timer_stop(&s.deadline);
	}
	loop_free(s.loop);
	/* As if the signal had ended the program: a shell's loop around it stops, too. */
	if (!failed && s.signo == SIGINT)
		err->code = (enum err_code)(ERR_SIGNAL + SIGINT);
	return failed ? -1 : 0;
}
