/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MQTT in, lines out: a batch is read, made lines, written, and only then acknowledged. */
#include "ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/consume.h"
#include "output.h"

/* How long a clean end may wait for a reader that stalls: what it has not taken stays with the
 * broker. */
enum { STOP_MS = 1500 };

struct ingest {
	const struct args *args;
	struct loop *loop;
	struct consume *consume;
	struct topics topics;
	struct topic **templates;
	struct consume_filter *filters;
	size_t count;
	struct output *out, *rejects;
	int rejects_fd;
	struct buf lines, bad;
	struct loop_timer deadline, giving_up;
	uint64_t token; /* of the batch that is being written */
	size_t batch;   /* its messages */
	size_t messages, readings, rejected;
	bool stopping;
	struct err *err;
};

/* Ends at once: what is not acknowledged yet stays with the broker. */
static void
end_now(void *arg)
{
	struct ingest *g = arg;

	loop_stop(g->loop);
}

static void
fail(struct ingest *g, const struct err *why)
{
	if (g->err->code == ERR_OK)
		*g->err = *why;
	end_now(g);
}

static void
end_cleanly(struct ingest *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	loop_timer_set(g->loop, &g->giving_up, STOP_MS, end_now, g);
	consume_stop(g->consume);
}

static void
on_signal(void *arg, int signo)
{
	struct ingest *g = arg;

	if (signo == SIGINT && g->err->code == ERR_OK)
		g->err->code = (enum err_code)(ERR_SIGNAL + SIGINT);
	if (g->stopping)
		end_now(g);
	else
		end_cleanly(g);
}

static void
on_deadline(void *arg)
{
	struct ingest *g = arg;

	if (!g->stopping)
		err_set(g->err, ERR_TIMEOUT,
		    _("the time given with -W ran out after %zu messages"), g->messages);
	end_cleanly(g);
}

static void
on_reader_left(void *arg)
{
	end_now(arg);
}

/* The whole batch is safe. */
static void
on_safe(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	if (why->code != ERR_OK) {
		if (!output_reader_left(g->out) || g->rejects_fd >= 0)
			fail(g, why);
		else
			end_now(g);
		return;
	}
	g->messages += g->batch;
	buf_clear(&g->lines);
	buf_clear(&g->bad);
	consume_durable(g->consume, g->token);
	if (g->args->count > 0 && g->messages >= (size_t)g->args->count)
		end_cleanly(g);
}

static void
on_lines_safe(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	if (why->code == ERR_OK)
		output_put(g->rejects, buf_as_span(&g->bad), on_safe, g);
	else if (output_reader_left(g->out))
		end_now(g);
	else
		fail(g, why);
}

static void
put_message(struct ingest *g, const struct msg *m)
{
	const char *error;
	size_t count = 0;

	if (!g->args->readings) {
		message_line(&g->lines, m, &g->topics);
		return;
	}
	error = message_readings(&g->lines, m, &g->topics, &count);
	g->readings += count;
	if (error != NULL) {
		message_reject(&g->bad, m, error);
		g->rejected++;
	}
}

static void
make_visible(struct buf *lines)
{
	struct buf shown = {0};

	json_put_visible(&shown, buf_as_span(lines));
	buf_release(lines);
	*lines = shown;
}

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct ingest *g = arg;
	size_t i;

	g->token = token;
	g->batch = n;
	for (i = 0; i < n; i++)
		put_message(g, &m[i]);
	if (output_is_terminal(g->out))
		make_visible(&g->lines);
	if (output_is_terminal(g->rejects))
		make_visible(&g->bad);
	output_put(g->out, buf_as_span(&g->lines), on_lines_safe, g);
}

static void
on_down(void *arg, const struct err *why)
{
	(void)arg;
	log_warn("%s", why->text);
}

static void
on_up(void *arg, bool session_present)
{
	struct ingest *g = arg;

	if (g->args->durable != NULL)
		log_info(session_present ? _("session '%s' resumed")
					 : _("session '%s' is new"),
		    g->args->durable);
}

static void
on_refused(void *arg, const char *filter, const struct err *why)
{
	(void)arg;
	(void)filter;
	log_error("%s", why->text);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct ingest *g = arg;

	if (why->code != ERR_OK)
		fail(g, why);
	else
		end_now(g);
}

static int
compile_templates(struct ingest *g, struct err *err)
{
	const struct strv *t = &g->args->templates;
	size_t i;

	if (topics_compile(&g->topics, &g->args->topics, err))
		return -1;
	g->count = t->n != 0 ? t->n : 1;
	g->templates = xcalloc(g->count, sizeof(*g->templates));
	g->filters = xcalloc(g->count, sizeof(*g->filters));
	for (i = 0; i < g->count; i++) {
		const char *text = t->n != 0 ? t->v[i] : topic_text(g->topics.data);

		if (topic_compile(&g->templates[i], text, err))
			return -1;
		g->filters[i] = (struct consume_filter){
		    topic_filter(g->templates[i]), .qos = g->args->qos};
	}
	g->topics.more = g->templates;
	g->topics.mores = g->count;
	return 0;
}

static int
open_outputs(struct ingest *g, struct err *err)
{
	const char *path = g->args->rejects;

	if (output_open(&g->out, g->loop, STDOUT_FILENO, _("standard output"),
		on_reader_left, g, err))
		return -1;
	if (path == NULL)
		return output_open(&g->rejects, g->loop, STDERR_FILENO,
		    _("standard error"), NULL, NULL, err);
	g->rejects_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (g->rejects_fd < 0)
		return err_sys(err, ERR_OUTPUT, _("cannot write to '%s'"), path);
	return output_open(&g->rejects, g->loop, g->rejects_fd, path, NULL, NULL, err);
}

static int
take_signals(struct ingest *g, struct err *err)
{
	return loop_signal(g->loop, SIGTERM, on_signal, g, err) ||
	    loop_signal(g->loop, SIGINT, on_signal, g, err) ||
	    loop_signal(g->loop, SIGHUP, on_signal, g, err);
}

static int
start(struct ingest *g, const struct session_opts *session, struct err *err)
{
	static const struct consume_events events = {.batch = on_batch,
	    .up = on_up,
	    .down = on_down,
	    .ended = on_ended,
	    .refused = on_refused};

	g->consume = consume_new(g->loop, session, g->filters, g->count, &events, g, err);
	if (g->consume == NULL)
		return -1;
	if (g->args->count > 0)
		consume_limit(g->consume, (size_t)g->args->count);
	if (g->args->wait > 0)
		loop_timer_set(g->loop, &g->deadline, g->args->wait, on_deadline, g);
	consume_start(g->consume);
	return loop_run(g->loop, err);
}

static void
summarise(const struct ingest *g)
{
	if (g->args->readings)
		log_info(_("%zu messages, %zu readings, %zu rejected"), g->messages,
		    g->readings, g->rejected);
	else
		log_info(_("%zu messages"), g->messages);
}

static void
release(struct ingest *g)
{
	size_t i;

	consume_free(g->consume);
	output_close(g->out);
	output_close(g->rejects);
	if (g->rejects_fd >= 0)
		close(g->rejects_fd);
	if (g->loop != NULL) {
		loop_timer_stop(&g->deadline);
		loop_timer_stop(&g->giving_up);
	}
	loop_free(g->loop);
	for (i = 0; g->filters != NULL && i < g->count; i++) {
		topic_free(g->templates[i]);
		free((char *)g->filters[i].filter);
	}
	free(g->templates);
	free(g->filters);
	topics_release(&g->topics);
	buf_release(&g->lines);
	buf_release(&g->bad);
}

int
ingest_run(const struct args *a, const struct session_opts *session, struct err *err)
{
	struct ingest g = {.args = a, .rejects_fd = -1, .err = err};
	int failed = compile_templates(&g, err) || (g.loop = loop_new(err)) == NULL ||
	    open_outputs(&g, err) || take_signals(&g, err) || start(&g, session, err);

	if (g.loop != NULL)
		summarise(&g);
	release(&g);
	return failed ? -1 : 0;
}
