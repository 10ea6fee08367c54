/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/resolve.h"

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
#include "base/strv.h"
#include "base/text.h"

/* A lookup, of all who ask for the same host at the same time. Shared by the loop and its thread;
 * whoever lets go last frees it. The thread fills `addresses` and `why`, then counts up `fd`; the loop
 * reads them only after that. */
struct resolve_lookup {
	atomic_int holders;
	int fd;
	char *host;
	struct strv addresses;
	struct err why;

	struct loop *loop; /* the loop's from here on */
	struct loop_fd watch;
	struct resolve *first, **last; /* who asks */
	struct resolve_lookup *next;   /* of the loop's, that nobody has heard of yet */
	bool delivering;
};

struct resolve {
	struct resolve_lookup *lookup; /* NULL: the answer is known */
	struct resolve *next;
	struct loop_timer now;
	struct strv addresses;
	struct err why;
	void (*done)(void *arg, const struct strv *addresses, const struct err *why);
	void *arg;
};

/* How many threads are at one. */
static atomic_int running;

static void
let_go(struct resolve_lookup *l)
{
	if (atomic_fetch_sub(&l->holders, 1) > 1)
		return;
	if (l->fd >= 0)
		close(l->fd);
	strv_release(&l->addresses);
	free(l->host);
	free(l);
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

/* All that there are: AI_ADDRCONFIG would leave 127.0.0.1 out where no interface but lo has an address yet. */
static void
look_up(struct resolve_lookup *l)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list, *a;
	char text[NI_MAXHOST];
	int failed = getaddrinfo(l->host, NULL, &hints, &list);

	if (failed != 0) {
		err_set(&l->why, ERR_UNREACHABLE, _("cannot look up '%s': %s"), l->host,
		    failed == EAI_NONAME ? _("no such host") : gai_strerror(failed));
		return;
	}
	for (a = list; a != NULL; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
			NI_NUMERICHOST) == 0)
			strv_add(&l->addresses, text);
	}
	freeaddrinfo(list);
	if (l->addresses.n == 0)
		err_set(&l->why, ERR_UNREACHABLE, _("'%s' has no address"), l->host);
}

static void *
thread(void *arg)
{
	struct resolve_lookup *l = arg;

	look_up(l);
	atomic_fetch_sub(&running, 1);
	eventfd_write(l->fd, 1);
	let_go(l);
	return NULL;
}

static void
forget(struct resolve_lookup *l)
{
	struct resolve_lookup **at = loop_lookups(l->loop);

	loop_fd_stop(&l->watch);
	while (*at != NULL && *at != l)
		at = &(*at)->next;
	if (*at == l)
		*at = l->next;
}

/* Each may cancel others, or ask again. */
static void
deliver(void *arg, unsigned events)
{
	struct resolve_lookup *l = arg;

	(void)events;
	forget(l);
	l->delivering = true;
	while (l->first != NULL) {
		struct resolve *r = l->first;

		l->first = r->next;
		r->done(r->arg, &l->addresses, &l->why);
		free(r);
	}
	let_go(l);
}

static void
deliver_now(void *arg)
{
	struct resolve *r = arg;

	r->done(r->arg, &r->addresses, &r->why);
	strv_release(&r->addresses);
	free(r);
}

/* Signals are the loop's business: the thread takes none. */
static int
start_thread(struct resolve_lookup *l)
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
	failed = pthread_create(&id, &detached, thread, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	if (failed)
		atomic_fetch_sub(&running, 1);
	return failed ? -1 : 0;
}

static struct resolve_lookup *
find(struct loop *loop, const char *host)
{
	struct resolve_lookup *l = *loop_lookups(loop);

	while (l != NULL && strcmp(l->host, host) != 0)
		l = l->next;
	return l;
}

static struct resolve_lookup *
start(struct loop *loop, const char *host)
{
	struct resolve_lookup *l = xcalloc(1, sizeof(*l));

	atomic_init(&l->holders, 2);
	l->host = xstrdup(host);
	l->loop = loop;
	l->last = &l->first;
	l->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->fd < 0 ||
	    loop_fd_start(loop, &l->watch, l->fd, LOOP_READ, deliver, l, NULL) != 0 ||
	    start_thread(l) != 0) {
		atomic_store(&l->holders, 1);
		loop_fd_stop(&l->watch);
		let_go(l);
		return NULL;
	}
	l->next = *loop_lookups(loop);
	*loop_lookups(loop) = l;
	return l;
}

struct resolve *
resolve_start(struct loop *loop, const char *host,
    void (*done)(void *arg, const struct strv *addresses, const struct err *why),
    void *arg)
{
	struct resolve *r = xcalloc(1, sizeof(*r));
	bool known = is_its_own_answer(host);

	r->done = done;
	r->arg = arg;
	if (known)
		strv_add(&r->addresses, host);
	else if ((r->lookup = find(loop, host)) == NULL)
		r->lookup = start(loop, host);
	if (r->lookup != NULL) {
		*r->lookup->last = r;
		r->lookup->last = &r->next;
		return r;
	}
	if (!known)
		err_set(&r->why, ERR_FAILED, _("cannot start looking up '%s'"), host);
	loop_timer_set(loop, &r->now, 0, deliver_now, r);
	return r;
}

static void
unlink_one(struct resolve_lookup *l, const struct resolve *r)
{
	struct resolve **at = &l->first;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (*at == NULL)
		l->last = at;
	if (l->first != NULL || l->delivering)
		return;
	forget(l);
	let_go(l);
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	loop_timer_stop(&r->now);
	if (r->lookup != NULL)
		unlink_one(r->lookup, r);
	strv_release(&r->addresses);
	free(r);
}

int
resolve_running(void)
{
	return atomic_load(&running);
}
