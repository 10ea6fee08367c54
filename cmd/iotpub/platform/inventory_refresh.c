/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the platform again while the devices go on: one iotctl after the other, read on the loop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotpub/platform/inventory_int.h"

struct refresh {
	struct sim *act;
	struct loop_fd watch;
	int fd; /* the answer of the child */
	pid_t pid;
	size_t at; /* which answer it is */
	struct buf answers[PLATFORM_ANSWERS];
	void (*done)(struct sim *t, struct buf *answers);
};

static void ask_next(struct refresh *r);

static void
forget(struct refresh *r)
{
	size_t i;

	for (i = 0; i < PLATFORM_ANSWERS; i++)
		buf_release(&r->answers[i]);
	r->act->platform->refresh = NULL;
	free(r);
}

static void
finish(struct refresh *r, const struct err *why)
{
	struct sim *t = r->act;

	if (why->code != ERR_OK)
		log_warn("%s", why->text);
	else
		r->done(t, r->answers);
	forget(r);
	inventory_watch(t);
}

static int
end_child(struct refresh *r, struct err *err)
{
	loop_fd_stop(&r->watch);
	close(r->fd);
	return iotctl_child_end(r->pid, platform_resources[r->at], err);
}

static void
on_answer(void *arg, unsigned events)
{
	struct refresh *r = arg;
	struct buf *answer = &r->answers[r->at];
	struct err err = {0};
	ssize_t n = read(r->fd, buf_reserve(answer, PLATFORM_PIECE), PLATFORM_PIECE);

	(void)events;
	if (n > 0)
		answer->n += (size_t)n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (iotctl_child_fits(answer, platform_resources[r->at], &err)) {
		end_child(r, NULL);
		finish(r, &err);
		return;
	}
	if (n > 0)
		return;
	if (end_child(r, &err) == 0 && ++r->at < PLATFORM_ANSWERS)
		ask_next(r);
	else
		finish(r, &err);
}

static void
ask_next(struct refresh *r)
{
	const struct common *c = &r->act->a->common;
	struct err err = {0};

	if (iotctl_child_begin(c->config, c->context, platform_resources[r->at], &r->fd,
		&r->pid, &err)) {
		finish(r, &err);
	} else if (loop_fd_start(
		       r->act->loop, &r->watch, r->fd, LOOP_READ, on_answer, r, &err)) {
		end_child(r, NULL);
		finish(r, &err);
	}
}

void
inventory_refresh_start(struct sim *t, void (*done)(struct sim *t, struct buf *answers))
{
	struct refresh *r = xcalloc(1, sizeof(*r));

	*r = (struct refresh){.act = t, .done = done};
	t->platform->refresh = r;
	ask_next(r);
}

void
inventory_refresh_free(struct refresh *r)
{
	if (r == NULL)
		return;
	kill(r->pid, SIGKILL);
	end_child(r, NULL);
	forget(r);
}
