/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: printed, run, answered. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "base/visible.h"
#include "iotpub/sim/sim.h"

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
print(struct sim *t, const struct msg *m)
{
	struct buf line = {0};
	size_t done = 0;
	ssize_t n = 0;

	message_line(&line, m, &t->topics);
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
sim_commands_message(struct sim_device *d, const struct msg *m)
{
	struct sim *t = d->act;

	if (print(t, m)) {
		sim_cut(t);
		return -1;
	}
	if (t->responder != NULL && d->said_goodbye)
		responder_refuse(t->responder, &d->commands, m);
	else if (t->responder != NULL)
		responder_take(t->responder, &d->commands, m);
	return 0;
}

static void
on_handled(void *arg, struct responder_device *c)
{
	(void)arg;
	sim_device_handled((struct sim_device *)(void *)((char *)c -
	    offsetof(struct sim_device, commands)));
}

int
sim_commands_init(struct sim *t, struct err *err)
{
	const struct responder_opts o = {.exec = &t->a->exec,
	    .reply = t->a->reply,
	    .timeout = t->a->exec_timeout,
	    .jobs = (size_t)t->a->jobs};

	if (o.exec->n == 0 && o.reply == NULL)
		return 0;
	return responder_new(&t->responder, t->loop, &o, on_handled, t, err);
}
