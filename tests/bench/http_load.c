/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests over connections that are kept: http_load [-r RATE] PORT CONNECTIONS SECONDS TOKEN METHOD TARGET [BODY]. A # in
 * the body is the request's number, with the process id in front. Prints "requests=N bad=M rate=R p50_ms=A p99_ms=B";
 * bad ones had another status than 2xx.
 *
 * With RATE, so many in a second: each has its time, and from this on it counts, also when no connection was free then. So
 * a server that stands still for a moment is late for all who came meanwhile. Without, as fast as they are answered: what
 * that measures is the rate; the times are those of a machine that has nothing left.
 *
 * With SECONDS 0 the connections are only held, until it is killed: "open" tells that they are there.
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

enum { TIMES_MOST = 4000000, IDLE_US = 100000 };

struct conn {
	int fd;
	bool busy;
	int64_t begun; /* microseconds; with a rate, when it should have been */
	struct buf in;
};

struct load {
	int port, epoll;
	const char *token, *method, *target, *body;
	double rate;   /* 0: as fast as they are answered */
	int64_t start; /* microseconds */
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

/* When the next request should begin. */
static int64_t
due(const struct load *l)
{
	return l->start + (int64_t)((double)l->sent * 1e6 / l->rate);
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
	c->begun = l->rate > 0 ? due(l) : clock_wall_us();
	c->busy = true;
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
	c->busy = false;
	if (l->rate == 0)
		ask(l, c);
}

/* Those that are due, on connections that have nothing to do. Microseconds until the next is. */
static int64_t
ask_due(struct load *l, struct conn *conns, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		const int64_t rest = due(l) - clock_wall_us();

		if (rest > 0)
			return rest;
		if (!conns[i].busy)
			ask(l, &conns[i]);
	}
	return IDLE_US;
}

/* Until an answer comes, or the next request is due. */
static void
turn(struct load *l, struct conn *conns, int count)
{
	const int64_t wait = l->rate > 0 ? ask_due(l, conns, count) : IDLE_US;
	const struct timespec most = {
	    .tv_nsec = (wait < IDLE_US ? wait : IDLE_US) * 1000};
	struct epoll_event ready[64];
	int n = epoll_pwait2(l->epoll, ready, 64, &most, NULL), i;

	for (i = 0; i < n; i++)
		take(l, ready[i].data.ptr);
}

static int
compare(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

/* The options' end in argv. */
static int
read_options(struct load *l, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+r:")) == 'r')
		l->rate = atof(optarg);
	if (c == -1 && argc - optind >= 6)
		return optind - 1;
	fprintf(stderr,
	    "usage: http_load [-r RATE] PORT CONNECTIONS SECONDS TOKEN METHOD TARGET "
	    "[BODY]\n");
	exit(2);
}

static void
print_figures(struct load *l)
{
	const size_t n = l->done < TIMES_MOST ? l->done : TIMES_MOST;

	qsort(l->times, n, sizeof(*l->times), compare);
	printf("requests=%zu bad=%zu rate=%.0f p50_ms=%.2f p99_ms=%.2f\n", l->done,
	    l->bad, (double)l->done * 1e6 / (double)(clock_wall_us() - l->start),
	    n > 0 ? l->times[n / 2] / 1000.0 : 0,
	    n > 0 ? l->times[n * 99 / 100] / 1000.0 : 0);
}

static void
hold(void)
{
	puts("open");
	fflush(stdout);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	struct load l = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct conn *conns;
	int i, count;
	int64_t until;

	argv += read_options(&l, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	l.port = atoi(argv[1]);
	count = atoi(argv[2]);
	l.token = argv[4];
	l.method = argv[5];
	l.target = argv[6];
	l.body = argv[7];
	l.times = xcalloc(TIMES_MOST, sizeof(*l.times));
	conns = xcalloc((size_t)count, sizeof(*conns));
	l.start = clock_wall_us();
	until = l.start + (int64_t)(atof(argv[3]) * 1e6);
	for (i = 0; i < count; i++) {
		conns[i].fd = -1;
		open_again(&l, &conns[i]);
		if (until > l.start && l.rate == 0)
			ask(&l, &conns[i]);
	}
	if (until == l.start)
		hold();
	while (clock_wall_us() < until)
		turn(&l, conns, count);
	print_figures(&l);
	return 0;
}
