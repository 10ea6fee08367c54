/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

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

/* Newlines stay; text_visible takes a string, so a NUL byte is written by hand. */
static void
put_visible(struct buf *out, struct span s)
{
	while (s.n > 0) {
		size_t n = 0;
		char *part;

		while (n < s.n && s.p[n] != '\n' && s.p[n] != '\0')
			n++;
		part = xstrndup(s.p, n);
		out->n += text_visible(buf_reserve(out, n * 4 + 1), n * 4 + 1, part);
		free(part);
		if (n < s.n)
			buf_puts(out, s.p[n++] == '\n' ? "\n" : "\\x00");
		s.p += n;
		s.n -= n;
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
	put_visible(&o->buf, buf_as_span(&o->one));
	buf_clear(&o->one);
}

static int
sync_file(struct err *err)
{
	if (fdatasync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == EROFS)
		return 0;
	return err_sys(err, ERR_OUTPUT, _("cannot write to standard output"));
}

int
output_flush(struct output *o, struct err *err)
{
	struct span left = buf_as_span(&o->buf);

	while (left.n > 0) {
		ssize_t n = write(STDOUT_FILENO, left.p, left.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return -1;
		if (n < 0)
			return err_sys(
			    err, ERR_OUTPUT, _("cannot write to standard output"));
		left.p += n;
		left.n -= (size_t)n;
	}
	buf_clear(&o->buf);
	return sync_file(err);
}

void
output_release(struct output *o)
{
	buf_release(&o->buf);
	buf_release(&o->one);
}
