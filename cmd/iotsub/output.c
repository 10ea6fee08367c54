/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotsub/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/visible.h"
#include "msg/message_format.h"

enum { LOOK_AT_SIGNALS = 200 }; /* ms */

/* As mosquitto_sub does: an empty payload is nothing at all, or "(null)" behind its topic. */
static void
put_plain(const struct output *o, struct buf *out, const struct msg *m)
{
	bool is_empty = m->payload.n == 0;

	if (is_empty && (!o->topic || o->bare))
		return;
	if (o->topic) {
		buf_span(out, m->topic);
		buf_putc(out, ' ');
	}
	buf_span(out, is_empty ? SPAN("(null)") : m->payload);
	if (!o->bare)
		buf_putc(out, '\n');
}

static void
put_one(const struct output *o, struct buf *out, const struct msg *m)
{
	if (o->json) {
		message_line(out, m, o->topics);
	} else if (o->format != NULL) {
		message_format_put(o->format, out, m, o->topics);
		if (!o->bare)
			buf_putc(out, '\n');
	} else {
		put_plain(o, out, m);
	}
}

void
output_put(struct output *o, const struct msg *m)
{
	if (!isatty(STDOUT_FILENO)) {
		put_one(o, &o->buf, m);
		return;
	}
	put_one(o, &o->one, m);
	visible_put_lines(&o->buf, buf_as_span(&o->one));
	buf_clear(&o->one);
}

static int
cannot_write(struct err *err)
{
	return err_sys(err, ERR_OUTPUT, _("cannot write to standard output"));
}

static bool
is_file(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
takes_more(int ms)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, ms) != 0;
}

/* The loop holds signals back while a reader that does not read keeps us waiting: they end the wait.
 * Then the batch is not safe, and the program ends without a drain. */
static int
wait_for_reader(struct err *err)
{
	sigset_t pending;

	while (!takes_more(LOOK_AT_SIGNALS)) {
		sigpending(&pending);
		if (sigismember(&pending, SIGINT))
			err->code = (enum err_code)(ERR_SIGNAL + SIGINT);
		if (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM))
			return -1;
	}
	return 0;
}

int
output_try(struct output *o, struct err *err)
{
	const bool file = is_file();
	/* A pipe that poll calls writable takes this much without blocking. */
	const size_t most = file ? SIZE_MAX : PIPE_BUF;

	while (o->at < o->buf.n) {
		size_t left = o->buf.n - o->at;
		ssize_t n;

		if (!takes_more(0))
			return 1;
		n = write(STDOUT_FILENO, o->buf.p + o->at, left < most ? left : most);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return errno == EPIPE ? -1 : cannot_write(err);
		o->at += (size_t)n;
	}
	buf_clear(&o->buf);
	o->at = 0;
	return file && fdatasync(STDOUT_FILENO) != 0 ? cannot_write(err) : 0;
}

int
output_flush(struct output *o, struct err *err)
{
	int left;

	while ((left = output_try(o, err)) > 0) {
		if (wait_for_reader(err))
			return -1;
	}
	return left;
}

void
output_release(struct output *o)
{
	buf_release(&o->buf);
	buf_release(&o->one);
}
