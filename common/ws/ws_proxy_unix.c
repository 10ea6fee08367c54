/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child: the programs' ends of the connections. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "ws/ws_proxy_int.h"

void
ws_proxy_pipe_watch(struct ws_proxy_pipe *p, bool idle)
{
	struct epoll_event e = {.events = (idle || p->ended ? 0 : (unsigned)EPOLLIN) |
		(p->open && p->in.n > 0 ? (unsigned)EPOLLOUT : 0),
	    .data.ptr = p};

	if (p->fd >= 0 && !p->hungup)
		epoll_ctl(p->side->epoll, EPOLL_CTL_MOD, p->fd, &e);
}

void
ws_proxy_pipe_close(struct ws_proxy_pipe *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	if (p->ws != NULL)
		ws_proxy_broker_kill(p);
}

void
ws_proxy_pipe_free_if_over(struct ws_proxy_pipe *p)
{
	if (p->fd >= 0 || p->ws != NULL || p->connecting)
		return;
	buf_release(&p->in);
	free(p);
}

/* What does not go is kept, and no more is taken from the broker until it is gone. */
void
ws_proxy_pipe_hand_over(struct ws_proxy_pipe *p, const void *bytes, size_t n)
{
	ssize_t sent = p->fd < 0 ? (ssize_t)n : 0;

	if (p->in.n == 0 && p->fd >= 0)
		sent = send(p->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent == (ssize_t)n)
		return;
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return;
	sent = sent < 0 ? 0 : sent;
	buf_put(&p->in, (const char *)bytes + sent, n - (size_t)sent);
	ws_proxy_broker_read(p, false);
	ws_proxy_pipe_watch(p, false);
}

static void
hand_over_rest(struct ws_proxy_pipe *p)
{
	ssize_t n = send(p->fd, p->in.p, p->in.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	buf_shift(&p->in, n < 0 ? p->in.n : (size_t)n);
	if (p->in.n > 0)
		return;
	buf_release(&p->in);
	if (p->ws == NULL) {
		ws_proxy_pipe_close(p);
		return;
	}
	ws_proxy_pipe_watch(p, false);
	ws_proxy_broker_read(p, true);
}

static void
read_request(struct ws_proxy_pipe *p)
{
	long missing = ws_proxy_request_missing(buf_as_span(&p->in));
	ssize_t n = 0;

	if (missing > 0)
		n = recv(p->fd, buf_reserve(&p->in, (size_t)missing), (size_t)missing,
		    MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ws_proxy_pipe_close(p);
		return;
	}
	p->in.n += (size_t)n;
	if (ws_proxy_request_missing(buf_as_span(&p->in)) == 0)
		ws_proxy_broker_connect(p);
}

/* A hang-up is told again and again: it is told once, and then the socket is read to its end. */
static void
on_hangup(struct ws_proxy_pipe *p)
{
	epoll_ctl(p->side->epoll, EPOLL_CTL_DEL, p->fd, NULL);
	p->hungup = true;
	if (p->open && p->ws != NULL)
		ws_proxy_broker_finish(p);
	else
		ws_proxy_pipe_close(p);
}

static void
on_program(struct ws_proxy_pipe *p, unsigned events)
{
	if (p->target == NULL) {
		read_request(p);
	} else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		on_hangup(p);
	} else {
		if ((events & EPOLLOUT) != 0)
			hand_over_rest(p);
		if ((events & EPOLLIN) != 0 && p->ws != NULL) {
			ws_proxy_pipe_watch(p, true);
			ws_proxy_broker_send_soon(p);
		}
	}
	ws_proxy_pipe_free_if_over(p);
}

static void
take_programs(struct ws_proxy_side *side)
{
	int fd;

	while ((fd = accept4(side->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	    0) {
		struct ws_proxy_pipe *p = xcalloc(1, sizeof(*p));
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};

		p->side = side;
		p->fd = fd;
		epoll_ctl(side->epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

void
ws_proxy_side_serve(struct ws_proxy_side *side)
{
	struct epoll_event e[64];
	int i, n = epoll_wait(side->epoll, e, ARRAY_LEN(e), 0);

	for (i = 0; i < n; i++) {
		if (e[i].data.ptr == &side->listener)
			take_programs(side);
		else if (e[i].data.ptr == &side->parent)
			side->over = true;
		else
			on_program(e[i].data.ptr, e[i].events);
	}
}

int
ws_proxy_side_open(struct ws_proxy_side *side)
{
	struct epoll_event listener = {.events = EPOLLIN, .data.ptr = &side->listener};
	struct epoll_event parent = {.events = EPOLLIN, .data.ptr = &side->parent};

	side->epoll = epoll_create1(EPOLL_CLOEXEC);
	return side->epoll >= 0 &&
		epoll_ctl(side->epoll, EPOLL_CTL_ADD, side->listener, &listener) == 0 &&
		epoll_ctl(side->epoll, EPOLL_CTL_ADD, side->parent, &parent) == 0
	    ? 0
	    : -1;
}
