/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A broker for publishers that only counts: it takes every connection and message, acknowledges, and
 * hands nothing on, so that what is measured against it is the publisher.
 *
 *	sink LISTEN [LOG]	LISTEN: a unix socket's path, or a TCP port of 127.0.0.1
 *
 * Prints a line of JSON when it gets SIGUSR1 (and counts from zero then) and at its end. With LOG each
 * payload is a line there before it is acknowledged, and each CONNECT a line "connect MS".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { EVENTS = 512, PIECE = 65536, SLICE_MS = 100, SLICES = 36000 };

struct client {
	int fd;
	bool v5;
	struct buf in;
};

static struct {
	unsigned long connects, publishes, dups, bytes, open;
	double first_connect, last_connect, first_publish, last_publish;
	unsigned short slices[SLICES]; /* connects in each, from the first one on */
} count;

static volatile sig_atomic_t asked, ended;
static FILE *log_file;

static void
on_signal(int signo)
{
	if (signo == SIGUSR1)
		asked = 1;
	else
		ended = 1;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
report(void)
{
	unsigned peak = 0;
	size_t i;

	for (i = 0; i < SLICES; i++) {
		if (count.slices[i] > peak)
			peak = count.slices[i];
	}
	printf("{\"connects\":%lu,\"connect_seconds\":%.3f,\"peak_per_second\":%u,"
	       "\"open\":%lu,\"messages\":%lu,\"dups\":%lu,\"bytes\":%lu,"
	       "\"publish_seconds\":%.3f}\n",
	    count.connects, count.last_connect - count.first_connect,
	    peak * 1000 / SLICE_MS, count.open, count.publishes, count.dups, count.bytes,
	    count.last_publish - count.first_publish);
	fflush(stdout);
}

static void
start_again(void)
{
	unsigned long open = count.open;

	memset(&count, 0, sizeof(count));
	count.open = open;
}

static void
answer(const struct client *c, const void *p, size_t n)
{
	if (send(c->fd, p, n, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		perror("sink: send");
}

static void
take_connect(struct client *c, const unsigned char *p)
{
	/* Reason 0, and no properties. */
	static const char v5[] = {0x20, 3, 0, 0, 0}, v4[] = {0x20, 2, 0, 0};
	double t = now();
	size_t slice;

	c->v5 = p[6] == 5;
	answer(c, c->v5 ? v5 : v4, c->v5 ? sizeof(v5) : sizeof(v4));
	if (count.connects++ == 0)
		count.first_connect = t;
	count.last_connect = t;
	slice = (size_t)((t - count.first_connect) * 1000) / SLICE_MS;
	if (slice < SLICES)
		count.slices[slice]++;
	if (log_file != NULL)
		fprintf(log_file, "connect %.0f\n", t * 1000);
}

/* Behind the topic there are the packet's number and properties. */
static void
take_publish(
    const struct client *c, unsigned char first, const unsigned char *p, size_t n)
{
	size_t at = 2 + (size_t)(p[0] << 8 | p[1]);
	int qos = first >> 1 & 3;
	unsigned char ack[] = {qos == 1 ? 0x40 : 0x50, 2, p[at], p[at + 1]};

	at += qos > 0 ? 2 : 0;
	if (c->v5)
		at += 1 + (size_t)(p[at] & 0x7F) +
		    (p[at] & 0x80 ? 1 + (size_t)p[at + 1] * 128 : 0);
	count.last_publish = now();
	if (count.publishes++ == 0)
		count.first_publish = count.last_publish;
	count.dups += first >> 3 & 1;
	count.bytes += n;
	if (log_file != NULL) {
		fwrite(p + at, 1, n - at, log_file);
		fputc('\n', log_file);
		fflush(log_file);
	}
	if (qos > 0)
		answer(c, ack, sizeof(ack));
}

static void
take_subscribe(const struct client *c, const unsigned char *p)
{
	const unsigned char v5[] = {0x90, 4, p[0], p[1], 0, 0};
	const unsigned char v4[] = {0x90, 3, p[0], p[1], 0};

	answer(c, c->v5 ? v5 : v4, c->v5 ? sizeof(v5) : sizeof(v4));
}

static void
take_packet(struct client *c, const unsigned char *head, const unsigned char *p, size_t n)
{
	const unsigned char complete[] = {0x70, 2, p[0], p[1]};

	switch (head[0] >> 4) {
	case 1: take_connect(c, p); break;
	case 3: take_publish(c, head[0], p, n); break;
	case 6: answer(c, complete, sizeof(complete)); break;
	case 8: take_subscribe(c, p); break;
	case 12: answer(c, "\xD0", 2); break;
	}
}

/* Whole packets only; the rest waits. */
static void
take_all(struct client *c)
{
	size_t at = 0;

	while (c->in.n - at >= 2) {
		const unsigned char *head = (const unsigned char *)c->in.p + at;
		size_t n = 0, shift = 0, k = 1;

		do {
			if (at + k >= c->in.n)
				goto rest;
			n |= (size_t)(head[k] & 0x7F) << shift;
			shift += 7;
		} while ((head[k++] & 0x80) != 0);
		if (c->in.n - at < k + n)
			break;
		take_packet(c, head, head + k, n);
		at += k + n;
	}
rest:
	buf_shift(&c->in, at);
}

static void
drop(struct client *c)
{
	close(c->fd);
	buf_release(&c->in);
	free(c);
	count.open--;
}

static void
serve(struct client *c)
{
	ssize_t n = read(c->fd, buf_reserve(&c->in, PIECE), PIECE);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	c->in.n += (size_t)n;
	take_all(c);
	if (c->in.n == 0)
		buf_release(&c->in);
}

static void
take_clients(int ep, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = xcalloc(1, sizeof(*c));
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		count.open++;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	}
}

static int
listen_at(const char *where)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET};
	bool is_path = strchr(where, '/') != NULL;
	int fd = socket(
	    is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, failed;

	if (is_path) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s.new", where);
		unlink(un.sun_path);
		failed = bind(fd, (const struct sockaddr *)&un, sizeof(un));
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		in.sin_port = htons((uint16_t)strtoul(where, NULL, 10));
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		failed = bind(fd, (const struct sockaddr *)&in, sizeof(in));
	}
	/* A real broker's backlog: mosquitto's. A path is there when it can be connected to. */
	if (failed != 0 || listen(fd, 100) != 0 ||
	    (is_path && rename(un.sun_path, where) != 0)) {
		perror(where);
		exit(1);
	}
	return fd;
}

static void
run(int listener)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), i, n;
	struct epoll_event events[EVENTS], e = {.events = EPOLLIN};

	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
	while (!ended) {
		n = epoll_wait(ep, events, EVENTS, 1000);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				take_clients(ep, listener);
			else
				serve(events[i].data.ptr);
		}
		if (asked) {
			asked = 0;
			report();
			start_again();
		}
	}
}

int
main(int argc, char **argv)
{
	struct sigaction a = {.sa_handler = on_signal};
	struct rlimit all;

	if (argc < 2) {
		fprintf(stderr, "usage: sink LISTEN [LOG]\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &all);
	all.rlim_cur = all.rlim_max;
	setrlimit(RLIMIT_NOFILE, &all);
	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	if (argc > 2)
		log_file = fopen(argv[2], "ae");
	run(listen_at(argv[1]));
	if (log_file != NULL)
		fclose(log_file);
	report();
	return 0;
}
