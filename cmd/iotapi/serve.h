/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_SERVE_H
#define IOTAPI_SERVE_H

#include "iotapi/app.h"
#include "iotapi/http/server.h"

struct notify;

struct serve_opts {
	struct server_opts http;
	const char *url_file; /* gets the URL once it serves; NULL: none */
	int64_t keep_readings; /* ms; 0: for ever */
	struct notify *notify; /* is told that it serves, reloads, ends, and is alive */
	/* At SIGHUP, on the loop: reads the configuration again. -1: it is no good, and all stays as it was. */
	int (*reload)(void *arg, struct app *app, struct err *err);
	void *arg;
};

/* Blocks the signals that are meant for it: before any thread is started, so that none takes them. */
void serve_block_signals(void);

/* Serves HTTP and MQTT until SIGTERM or SIGINT, then drains, for five seconds at most; a second signal does not wait
 * for that. Blocks. Ended by SIGINT, err->code is ERR_SIGNAL + SIGINT and the result still 0. */
int serve(struct app *app, const struct serve_opts *opts, struct err *err);

#endif
