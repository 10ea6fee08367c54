/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop_signals.h"
#include "loop/timer_heap.h"

enum { ROUND = 64 };

/* Who watches a descriptor. The generation travels with the event: one that was fetched, or that the
 * kernel still keeps, for a watcher that has gone since finds another generation here. */
struct watch {
	struct loop_fd *w;
	uint32_t generation;
};

struct post {
	struct post *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	int epoll;
	bool running, stop;
	int64_t now;

	struct watch *watches; /* by descriptor */
	size_t watches_room;
	uint32_t generation;

	struct timer_heap timers;
	struct resolve_lookup *lookups;

	struct loop_signals signals;
	struct loop_fd signal_watch;

	int post_fd;
	struct loop_fd post_watch;
	pthread_mutex_t lock; /* of the two below */
	struct post *posts, **posts_end;
};

int64_t
loop_now(const struct loop *loop)
{
	return loop->running ? loop->now : clock_ms();
}

struct resolve_lookup **
loop_lookups(struct loop *loop)
{
	return &loop->lookups;
}

static void
watch_claim(struct loop *loop, struct loop_fd *w)
{
	size_t fd = (size_t)w->fd;

	if (fd >= loop->watches_room) {
		size_t room = fd < 32 ? 64 : fd * 2;

		loop->watches =
		    xreallocarray(loop->watches, room, sizeof(*loop->watches));
		memset(loop->watches + loop->watches_room, 0,
		    (room - loop->watches_room) * sizeof(*loop->watches));
		loop->watches_room = room;
	}
	loop->watches[fd] = (struct watch){w, ++loop->generation};
}

static int
watch_control(const struct loop_fd *w, int operation, unsigned events)
{
	struct epoll_event e = {
	    .events = ((events & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
		((events & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0),
	    .data.u64 =
		(uint64_t)w->loop->watches[w->fd].generation << 32 | (uint32_t)w->fd,
	};

	return epoll_ctl(w->loop->epoll, operation, w->fd, &e);
}

int
loop_fd_start(struct loop *loop, struct loop_fd *w, int fd, unsigned events,
    void (*fn)(void *arg, unsigned events), void *arg, struct err *err)
{
	*w = (struct loop_fd){loop, fd, events, fn, arg, true};
	watch_claim(loop, w);
	if (events != 0 && watch_control(w, EPOLL_CTL_ADD, events) != 0) {
		err_sys(err, ERR_FAILED, _("cannot wait for descriptor %d"), fd);
		loop_fd_forget(w);
		return -1;
	}
	return 0;
}

/* Without events it leaves epoll, which would go on reporting hang-ups. */
void
loop_fd_set(struct loop_fd *w, unsigned events)
{
	if (!w->on || w->events == events)
		return;
	watch_control(w,
	    w->events == 0    ? EPOLL_CTL_ADD
		: events == 0 ? EPOLL_CTL_DEL
			      : EPOLL_CTL_MOD,
	    events);
	w->events = events;
}

void
loop_fd_stop(struct loop_fd *w)
{
	loop_fd_set(w, 0);
	loop_fd_forget(w);
}

void
loop_fd_forget(struct loop_fd *w)
{
	if (w->on && w->loop->watches[w->fd].w == w)
		w->loop->watches[w->fd].w = NULL;
	w->on = false;
}

static void
watch_deliver(struct loop *loop, const struct epoll_event *e)
{
	const struct watch *watch = &loop->watches[(uint32_t)e->data.u64];
	struct loop_fd *w = watch->w;
	bool hangup = (e->events & (EPOLLHUP | EPOLLERR)) != 0;
	unsigned events;

	if (w == NULL || watch->generation != e->data.u64 >> 32)
		return;
	events = ((e->events & EPOLLIN) != 0 || hangup ? LOOP_READ : 0) |
	    ((e->events & EPOLLOUT) != 0 ? LOOP_WRITE : 0);
	events &= w->events;
	if (hangup && w->events != 0)
		events |= LOOP_HANGUP;
	if (events != 0)
		w->fn(w->arg, events);
}

void
loop_timer_stop(struct loop_timer *t)
{
	if (t->slot != 0)
		timer_heap_remove(&t->loop->timers, t);
}

void
loop_timer_set(
    struct loop *loop, struct loop_timer *t, int64_t ms, void (*fn)(void *arg), void *arg)
{
	loop_timer_stop(t);
	*t = (struct loop_timer){
	    .loop = loop, .at = loop_now(loop) + (ms > 0 ? ms : 0), .fn = fn, .arg = arg};
	timer_heap_add(&loop->timers, t, ms <= 0);
}

/* At most as many as there were: one that sets itself to 0 ms must not starve the descriptors. */
static void
timers_run(struct loop *loop)
{
	size_t most = timer_heap_count(&loop->timers);
	struct loop_timer *t;

	while (most-- > 0 && (t = timer_heap_first(&loop->timers)) != NULL &&
	    t->at <= loop->now) {
		timer_heap_remove(&loop->timers, t);
		t->fn(t->arg);
	}
}

static int
timers_wait(struct loop *loop)
{
	const struct loop_timer *t = timer_heap_first(&loop->timers);
	int64_t ms;

	if (t == NULL)
		return -1;
	ms = t->at - clock_ms();
	return ms < 0 ? 0 : ms > 86400000 ? 86400000 : (int)ms;
}

static void
on_signals(void *arg, unsigned events)
{
	struct loop *loop = arg;

	(void)events;
	loop_signals_tell(&loop->signals);
}

int
loop_signal(struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
    struct err *err)
{
	bool first = loop->signals.fd < 0;

	if (loop_signals_take(&loop->signals, signo, fn, arg))
		return err_sys(err, ERR_FAILED, _("cannot wait for signals"));
	return first ? loop_fd_start(loop, &loop->signal_watch, loop->signals.fd,
			   LOOP_READ, on_signals, loop, err)
		     : 0;
}

void
loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct post *p = xmalloc(sizeof(*p));
	bool first;

	*p = (struct post){NULL, fn, arg};
	pthread_mutex_lock(&loop->lock);
	first = loop->posts == NULL;
	*loop->posts_end = p;
	loop->posts_end = &p->next;
	if (first)
		eventfd_write(loop->post_fd, 1);
	pthread_mutex_unlock(&loop->lock);
}

static struct post *
posts_take(struct loop *loop)
{
	struct post *list;
	eventfd_t count;

	pthread_mutex_lock(&loop->lock);
	eventfd_read(loop->post_fd, &count);
	list = loop->posts;
	loop->posts = NULL;
	loop->posts_end = &loop->posts;
	pthread_mutex_unlock(&loop->lock);
	return list;
}

static void
posts_run(void *arg, unsigned events)
{
	struct post *list = posts_take(arg);

	(void)events;
	while (list != NULL) {
		struct post p = *list;

		free(list);
		list = p.next;
		p.fn(p.arg);
	}
}

struct loop *
loop_new(struct err *err)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop_signals_init(&loop->signals);
	loop->posts_end = &loop->posts;
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->post_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->epoll < 0 || loop->post_fd < 0) {
		err_sys(err, ERR_FAILED, _("cannot make an event loop"));
	} else if (loop_fd_start(loop, &loop->post_watch, loop->post_fd, LOOP_READ,
		       posts_run, loop, err) == 0) {
		return loop;
	}
	loop_free(loop);
	return NULL;
}

void
loop_free(struct loop *loop)
{
	struct post *p;

	if (loop == NULL)
		return;
	while ((p = loop->posts) != NULL) {
		loop->posts = p->next;
		free(p);
	}
	loop_signals_release(&loop->signals);
	if (loop->post_fd >= 0)
		close(loop->post_fd);
	if (loop->epoll >= 0)
		close(loop->epoll);
	pthread_mutex_destroy(&loop->lock);
	free(loop->watches);
	timer_heap_release(&loop->timers);
	free(loop);
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
}

static int
loop_round(struct loop *loop, struct err *err)
{
	struct epoll_event events[ROUND];
	int n = epoll_wait(loop->epoll, events, ROUND, timers_wait(loop));
	int i;

	if (n < 0 && errno != EINTR)
		return err_sys(err, ERR_FAILED, _("cannot wait for events"));
	loop->now = clock_ms();
	timers_run(loop);
	for (i = 0; i < n; i++)
		watch_deliver(loop, &events[i]);
	return 0;
}

int
loop_run(struct loop *loop, struct err *err)
{
	bool outer = loop->running;
	int failed = 0;

	loop->running = true;
	loop->now = clock_ms();
	while (!failed && !loop->stop)
		failed = loop_round(loop, err);
	loop->stop = false;
	loop->running = outer;
	return failed;
}
