/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"
#include "iotapi/mqtt/broker_pool.h"
#include "iotapi/retention.h"

struct serving {
	struct app *app;
	struct loop *loop;
	struct server *server;
	int signo; /* that ended it */
};

static void
worker_is_done(void *arg)
{
	struct serving *s = arg;

	loop_stop(s->loop);
}

/* HTTP first: nothing new comes in by it while the worker's last batch is written. */
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
	server_stop(s->server);
	s->server = NULL;
	broker_pool_stop(s->app->worker, worker_is_done, s);
}

static int
announce(struct serving *s, const char *url_file, struct err *err)
{
	char *line = xasprintf("%s\n", server_url(s->server));
	int failed =
	    url_file != NULL && file_write(url_file, span_of(line), 0644, err) != 0;

	if (!failed)
		fprintf(stderr, "%s: serving %s", log_name(), line);
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
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int
serve(struct app *app, const struct serve_opts *opts, struct err *err)
{
	struct serving s = {.app = app, .loop = loop_new(err)};
	struct retention *retention = NULL;
	int failed = s.loop == NULL || loop_signal(s.loop, SIGTERM, end, &s, err) ||
	    loop_signal(s.loop, SIGINT, end, &s, err);

	if (!failed) {
		retention = retention_new(s.loop, app->store, opts->keep_readings);
		app->worker = broker_pool_new(s.loop, app, err);
		failed = app->worker == NULL ||
		    server_start(&s.server, s.loop, app, &opts->http, err) ||
		    announce(&s, opts->url_file, err) || loop_run(s.loop, err);
	}
	server_stop(s.server);
	broker_pool_free(app->worker);
	app->worker = NULL;
	retention_free(retention);
	loop_free(s.loop);
	/* As if the signal had ended the program: a shell's loop around it stops, too. */
	if (!failed && s.signo == SIGINT)
		err->code = (enum err_code)(ERR_SIGNAL + SIGINT);
	return failed ? -1 : 0;
}
