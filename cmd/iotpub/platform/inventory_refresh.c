/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the platform again while the devices go on: one iotctl after the other, read on the loop. */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "iotpub/platform/inventory_int.h"

struct refresh {
	struct inventory *inventory;
	struct loop_fd watch;
	struct iotctl_child_answer answer; /* of the child */
	size_t at;                         /* which one it is */
	struct answers answers;
};

static void ask_next(struct refresh *r);

static void
forget(struct refresh *r)
{
	inventory_answers_release(&r->answers);
	r->inventory->refresh = NULL;
	free(r);
}

static void
finish(struct refresh *r, const struct err *why)
{
	struct inventory *p = r->inventory;

	if (why->code != ERR_OK)
		log_warn("%s", why->text);
	else
		inventory_change(p, &r->answers);
	forget(r);
	inventory_refresh_later(p);
}

static int
end_child(struct refresh *r, struct err *err)
{
	loop_fd_stop(&r->watch);
	return iotctl_child_end(&r->answer, err);
}

static int
take(void *arg, struct span object, struct err *err)
{
	struct refresh *r = arg;

	if (r->at != DEVICES)
		return inventory_answers_take[r->at](&r->answers, object, err);
	inventory_keep_device(r->inventory, &r->answers, object);
	return 0;
}

static void
on_answer(void *arg, unsigned events)
{
	struct refresh *r = arg;
	struct err err = {0};
	int more = iotctl_child_read(&r->answer, &err);

	(void)events;
	if (more == 1)
		return;
	if (end_child(r, more < 0 ? NULL : &err) == 0 && more == 0 &&
	    ++r->at < PLATFORM_ANSWERS)
		ask_next(r);
	else
		finish(r, &err);
}

static void
ask_next(struct refresh *r)
{
	const struct common *c = r->inventory->opts.common;
	struct err err = {0};

	if (r->at == DEVICES) {
		inventory_answers_sort(&r->answers);
		inventory_unlist(r->inventory);
	}
	if (iotctl_child_begin(&r->answer, c->config, c->context,
		inventory_resources[r->at], take, r, &err)) {
		finish(r, &err);
	} else if (loop_fd_start(r->inventory->loop, &r->watch, r->answer.fd, LOOP_READ,
		       on_answer, r, &err)) {
		end_child(r, NULL);
		finish(r, &err);
	}
}

void
inventory_refresh_start(struct inventory *p)
{
	struct refresh *r = xcalloc(1, sizeof(*r));

	r->inventory = p;
	p->refresh = r;
	ask_next(r);
}

void
inventory_refresh_free(struct refresh *r)
{
	if (r == NULL)
		return;
	kill(r->answer.pid, SIGKILL);
	end_child(r, NULL);
	forget(r);
}
