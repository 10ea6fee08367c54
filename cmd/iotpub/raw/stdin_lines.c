/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/raw/stdin_lines.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { PIECE = 65536, LONGEST = 268435455 };

static bool
next_line(struct stdin_lines *l, struct span *line)
{
	const char *newline = l->seen < l->data.n
	    ? memchr(l->data.p + l->seen, '\n', l->data.n - l->seen)
	    : NULL;

	if (newline == NULL && (!l->eof || l->from == l->data.n)) {
		l->seen = l->data.n;
		return false;
	}
	*line = (struct span){l->data.p + l->from,
	    newline != NULL ? (size_t)(newline - l->data.p) - l->from
			    : l->data.n - l->from};
	l->from += line->n + (newline != NULL);
	l->seen = l->from;
	return true;
}

static int
cannot_read(const struct stdin_lines *l, struct err *err, enum err_code code)
{
	return l->name != NULL ? err_sys(err, code, _("cannot read '%s'"), l->name)
			       : err_sys(err, code, _("cannot read standard input"));
}

static void
finish(struct stdin_lines *l, const struct err *why)
{
	l->over = true;
	loop_fd_stop(&l->watch);
	loop_timer_stop(&l->soon);
	l->end(l->arg, why);
}

static void on_soon(void *arg);

static void
hand_out(struct stdin_lines *l)
{
	struct span line;

	while (!l->paused && !l->over && next_line(l, &line))
		l->line(l->arg, line);
	if (l->over)
		return;
	if (!l->paused && l->eof)
		finish(l, &(struct err){0});
	else if (!l->file)
		loop_fd_set(&l->watch, l->paused ? 0 : LOOP_READ);
	else if (!l->paused)
		loop_timer_set(l->loop, &l->soon, 0, on_soon, l);
}

static void
read_some(struct stdin_lines *l)
{
	struct err why = {0};
	ssize_t n;

	buf_shift(&l->data, l->from);
	l->seen -= l->from;
	l->from = 0;
	n = read(l->fd, buf_reserve(&l->data, PIECE), PIECE);
	if (n > 0)
		l->data.n += (size_t)n;
	l->eof = n == 0;
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		cannot_read(l, &why, ERR_FAILED);
	else if (l->data.n > LONGEST && memchr(l->data.p, '\n', l->data.n) == NULL)
		err_set(&why, ERR_USAGE, _("a line is longer than %d bytes"), LONGEST);
	if (why.code != ERR_OK)
		finish(l, &why);
	else
		hand_out(l);
}

static void
on_readable(void *arg, unsigned events)
{
	(void)events;
	read_some(arg);
}

/* What is left of the last read goes first. */
static void
on_soon(void *arg)
{
	struct stdin_lines *l = arg;

	if (l->file && !l->eof && l->seen == l->data.n)
		read_some(l);
	else
		hand_out(l);
}

int
stdin_lines_start(struct stdin_lines *l, struct loop *loop, int fd, const char *name,
    void (*line)(void *arg, struct span line),
    void (*end)(void *arg, const struct err *why), void *arg, struct err *err)
{
	struct stat st;

	*l = (struct stdin_lines){
	    .loop = loop, .fd = fd, .name = name, .line = line, .end = end, .arg = arg};
	if (fstat(fd, &st) != 0)
		return cannot_read(l, err, ERR_USAGE);
	l->file = !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !isatty(fd);
	if (!l->file)
		return loop_fd_start(loop, &l->watch, fd, LOOP_READ, on_readable, l, err);
	loop_timer_set(loop, &l->soon, 0, on_soon, l);
	return 0;
}

void
stdin_lines_pause(struct stdin_lines *l, bool paused)
{
	if (l->loop == NULL || l->over || l->paused == paused)
		return;
	l->paused = paused;
	if (paused)
		loop_fd_set(&l->watch, 0);
	else
		loop_timer_set(l->loop, &l->soon, 0, on_soon, l);
}

void
stdin_lines_release(struct stdin_lines *l)
{
	if (l->loop != NULL) {
		loop_fd_stop(&l->watch);
		loop_timer_stop(&l->soon);
	}
	buf_release(&l->data);
	l->over = true;
}
