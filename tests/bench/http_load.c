/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests as fast as they are answered, over connections that are kept: http_load PORT CONNECTIONS SECONDS TOKEN METHOD
 * TARGET [BODY]. A # in the body is the request's number, with the process id in front. Prints "requests=N bad=M
 * rate=R p50_ms=A p99_ms=B"; bad ones had another status than 2xx. With SECONDS 0 the connections are only held, until
 * it is killed: "open" tells that they are there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { CONNECTIONS_MOST = 5000, TIMES_MOST = 4000000 };

struct conn {
	int fd;
	int64_t begun; /* microseconds */
	struct buf in;
};

struct load {
	int port, epoll;
	const char *token, *method, *target, *body;
	size_t sent, done, bad;
	unsigned *times; /* microseconds */
};

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_conn(const struct load *l)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)l->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

static void
ask(struct load *l, struct conn *c)
{
	struct buf out = {0}, body = {0};
	const char *p;

	for (p = l->body; p != NULL && *p != '\0'; p++) {
		if (*p == '#')
			buf_printf(&body, "%d-%zu", (int)getpid(), l->sent);
		else
			buf_putc(&body, *p);
	}
	buf_printf(&out,
	    "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n",
	    l->method, l->target, l->port, l->token);
	if (l->body != NULL)
		buf_printf(&out,
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
	buf_puts(&out, "\r\n");
	buf_span(&out, buf_as_span(&body));
	c->begun = clock_wall_us();
	l->sent++;
	if (write(c->fd, out.p, out.n) != (ssize_t)out.n)
		fail("write");
	buf_release(&out);
	buf_release(&body);
}

/* Whether the answer is whole. */
static bool
is_whole(struct buf *in)
{
	const char *text = buf_str(in), *end = strstr(text, "\r\n\r\n");
	const char *length = end != NULL ? strcasestr(text, "\r\nContent-Length:") : NULL;

	if (end == NULL)
		return false;
	return in->n >= (size_t)(end + 4 - text) +
	    (length != NULL ? strtoul(length + 17, NULL, 10) : 0);
}

/* Another connection: the server closes this one. */
static void
open_again(struct load *l, struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = open_conn(l);
	epoll_ctl(
	    l->epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){EPOLLIN, {.ptr = c}});
}

static void
take(struct load *l, struct conn *c)
{
	ssize_t n = read(c->fd, buf_reserve(&c->in, 65536), 65536);

	if (n > 0) {
		c->in.n += (size_t)n;
		if (!is_whole(&c->in))
			return;
		if (l->done < TIMES_MOST)
			l->times[l->done] = (unsigned)(clock_wall_us() - c->begun);
		l->done++;
		l->bad += c->in.p[9] != '2';
	}
	if (n <= 0 || strcasestr(buf_str(&c->in), "\r\nConnection: close") != NULL)
		open_again(l, c);
	buf_clear(&c->in);
	ask(l, c);
}

static int
compare(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct epoll_event ready[64];
	int64_t start, until;
	struct conn *conns;
	int i, n, count;

	if (argc < 7) {
		fprintf(stderr,
		    "usage: http_load PORT CONNECTIONS SECONDS TOKEN METHOD TARGET "
		    "[BODY]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	l.port = atoi(argv[1]);
	count = atoi(argv[2]);
	l.token = argv[4];
	l.method = argv[5];
	l.target = argv[6];
	l.body = argc > 7 ? argv[7] : NULL;
	l.times = xcalloc(TIMES_MOST, sizeof(*l.times));
	conns = xcalloc((size_t)count, sizeof(*conns));
	start = clock_wall_us();
	until = start + (int64_t)(atof(argv[3]) * 1e6);
	for (i = 0; i < count; i++) {
		conns[i].fd = -1;
		open_again(&l, &conns[i]);
		if (until > start)
			ask(&l, &conns[i]);
	}
	if (until == start) {
		puts("open");
		fflush(stdout);
		for (;;)
			pause();
	}
	while (clock_wall_us() < until) {
		n = epoll_wait(l.epoll, ready, 64, 100);
		for (i = 0; i < n; i++)
			take(&l, ready[i].data.ptr);
	}
	n = (int)(l.done < TIMES_MOST ? l.done : TIMES_MOST);
	qsort(l.times, (size_t)n, sizeof(*l.times), compare);
	printf("requests=%zu bad=%zu rate=%.0f p50_ms=%.2f p99_ms=%.2f\n", l.done, l.bad,
	    (double)l.done * 1e6 / (double)(clock_wall_us() - start),
	    n > 0 ? l.times[n / 2] / 1000.0 : 0,
	    n > 0 ? l.times[n * 99 / 100] / 1000.0 : 0);
	return 0;
}
