/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/* Shared by the loop and the thread; whoever lets go last frees it. The thread fills `addresses`
 * and `why`, then counts up `fd`; the loop reads them only after that. */
struct resolve {
	atomic_int holders;
	int fd;
	char *host;
	struct strv addresses;
	struct err why;

	struct loop_fd watch; /* the loop's from here on */
	struct loop_timer now;
	void (*done)(void *arg, const struct strv *addresses, const struct err *why);
	void *arg;
};

/* Lookups that threads are at. */
static atomic_int running;

static void
let_go(struct resolve *r)
{
	if (atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	if (r->fd >= 0)
		close(r->fd);
	strv_release(&r->addresses);
	free(r->host);
	free(r);
}

static bool
is_its_own_answer(const char *host)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;

	if (host[0] == '/')
		return true;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	freeaddrinfo(list);
	return true;
}

static void
look_up(struct resolve *r)
{
	struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list, *a;
	char text[NI_MAXHOST];
	int failed = getaddrinfo(r->host, NULL, &hints, &list);

	if (failed != 0) {
		err_set(&r->why, ERR_UNREACHABLE, _("cannot look up '%s': %s"), r->host,
		    failed == EAI_NONAME ? _("no such host") : gai_strerror(failed));
		return;
	}
	for (a = list; a != NULL; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) == 0)
			strv_add(&r->addresses, text);
	}
	freeaddrinfo(list);
	if (r->addresses.n == 0)
		err_set(&r->why, ERR_UNREACHABLE, _("'%s' has no address"), r->host);
}

static void *
thread(void *arg)
{
	struct resolve *r = arg;

	look_up(r);
	atomic_fetch_sub(&running, 1);
	eventfd_write(r->fd, 1);
	let_go(r);
	return NULL;
}

static void
deliver(void *arg)
{
	struct resolve *r = arg;

	loop_fd_stop(&r->watch);
	r->done(r->arg, &r->addresses, &r->why);
	let_go(r);
}

static void
deliver_fd(void *arg, unsigned events)
{
	(void)events;
	deliver(arg);
}

/* Signals are the loop's business: the thread takes none. */
static int
start_thread(struct resolve *r)
{
	pthread_attr_t detached;
	pthread_t id;
	sigset_t all, before;
	int failed;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&running, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&id, &detached, thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	if (failed)
		atomic_fetch_sub(&running, 1);
	return failed ? -1 : 0;
}

struct resolve *
resolve_start(struct loop *loop, const char *host,
    void (*done)(void *arg, const struct strv *addresses, const struct err *why),
    void *arg)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	atomic_init(&r->holders, 1);
	r->host = xstrdup(host);
	r->done = done;
	r->arg = arg;
	r->fd = -1;
	if (is_its_own_answer(host)) {
		strv_add(&r->addresses, host);
		loop_timer_set(loop, &r->now, 0, deliver, r);
		return r;
	}
	r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_store(&r->holders, 2);
	if (r->fd < 0 ||
	    loop_fd_start(loop, &r->watch, r->fd, LOOP_READ, deliver_fd, r, NULL) != 0 ||
	    start_thread(r) != 0) {
		atomic_store(&r->holders, 1);
		err_set(&r->why, ERR_FAILED, _("cannot start looking up '%s'"), host);
		loop_timer_set(loop, &r->now, 0, deliver, r);
	}
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	loop_timer_stop(&r->now);
	loop_fd_stop(&r->watch);
	let_go(r);
}

int
resolve_running(void)
{
	return atomic_load(&running);
}
