/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/visible.h"

struct commands {
	const struct topic_set *topics;
	struct responder *responder; /* NULL: they are only printed */
	void (*answered)(struct responder_device *d);
	struct err *err;
};

/* Bytes of a payload could drive a terminal. */
static void
make_visible(struct buf *line)
{
	struct buf shown = {0};

	visible_put_lines(&shown, buf_as_span(line));
	buf_release(line);
	*line = shown;
}

/* Straight to the descriptor: a command is acknowledged only when its line is out. */
static int
print(struct commands *t, const struct msg *m)
{
	struct buf line = {0};
	size_t done = 0;
	ssize_t n = 0;

	message_line(&line, m, t->topics);
	if (isatty(STDOUT_FILENO))
		make_visible(&line);
	while (done < line.n && (n >= 0 || errno == EINTR)) {
		n = write(STDOUT_FILENO, line.p + done, line.n - done);
		if (n > 0)
			done += (size_t)n;
	}
	buf_release(&line);
	if (n >= 0)
		return 0;
	if (errno != EPIPE && t->err->code == ERR_OK)
		err_sys(t->err, ERR_OUTPUT, _("cannot write to standard output"));
	return -1;
}

int
commands_take(
    struct commands *t, struct responder_device *d, const struct msg *m, bool leaving)
{
	if (print(t, m))
		return -1;
	if (t->responder != NULL && leaving)
		responder_refuse(t->responder, d, m);
	else if (t->responder != NULL)
		responder_take(t->responder, d, m);
	return 0;
}

static void
on_handled(void *arg, struct responder_device *d)
{
	const struct commands *t = arg;

	t->answered(d);
}

int
commands_new(struct commands **out, struct loop *loop, const struct args *a,
    const struct topic_set *topics, void (*answered)(struct responder_device *d),
    struct err *err)
{
	const struct responder_opts o = {.exec = &a->exec,
	    .reply = a->reply,
	    .timeout = a->exec_timeout,
	    .jobs = (size_t)a->jobs};
	struct commands *t = *out = xcalloc(1, sizeof(*t));

	t->topics = topics;
	t->answered = answered;
	t->err = err;
	if (o.exec->n == 0 && o.reply == NULL)
		return 0;
	return responder_new(&t->responder, loop, &o, on_handled, t, err);
}

void
commands_free(struct commands *t)
{
	if (t == NULL)
		return;
	responder_free(t->responder);
	free(t);
}
