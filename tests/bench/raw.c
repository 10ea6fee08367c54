/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The limit that iotingest is compared with: a subscriber that copies each payload into a line and looks at
 * nothing, acknowledges what it has written, and knows one connection, one broker and no errors.
 *
 *	raw PORT QOS FILTER
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

enum { READ = 262144 };

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
put_all(int fd, struct buf *b)
{
	size_t at = 0;

	while (at < b->n) {
		ssize_t n = write(fd, b->p + at, b->n - at);

		if (n < 0)
			die("write");
		at += (size_t)n;
	}
	buf_clear(b);
}

static int
open_broker(const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (const struct sockaddr *)&in, sizeof(in)) != 0)
		die(port);
	return fd;
}

/* CONNECT and SUBSCRIBE of MQTT 3.1.1, one behind the other. */
static void
subscribe(int fd, const char *filter, int qos)
{
	const size_t n = strlen(filter);
	struct buf out = {0};

	buf_put(&out, "\x10\x0F\0\4MQTT\4\2\0\0\0\3raw", 17);
	buf_putc(&out, (char)0x82);
	buf_putc(&out, (char)(5 + n));
	buf_put(&out, "\0\1\0", 3);
	buf_putc(&out, (char)n);
	buf_puts(&out, filter);
	buf_putc(&out, (char)qos);
	put_all(fd, &out);
	buf_release(&out);
}

/* A PUBLISH behind its fixed header. */
static void
take(const unsigned char *p, size_t n, int qos, struct buf *lines, struct buf *acks)
{
	const size_t topic = (size_t)p[0] << 8 | p[1],
		     head = 2 + topic + (qos > 0 ? 2 : 0);

	buf_puts(lines, "{\"topic\":\"");
	buf_put(lines, p + 2, topic);
	buf_puts(lines, "\",\"payload\":");
	buf_put(lines, p + head, n - head);
	buf_puts(lines, "}\n");
	if (qos > 0) {
		buf_put(acks, "\x40\2", 2);
		buf_put(acks, p + 2 + topic, 2);
	}
}

/* The packets that are whole; returns how many bytes they are. */
static size_t
take_packets(const unsigned char *p, size_t n, struct buf *lines, struct buf *acks)
{
	size_t at = 0;

	while (n - at > 4) {
		size_t head = at + 2, rest = p[at + 1] & 0x7F;

		if (p[at + 1] > 0x7F)
			rest |= (size_t)p[head++] << 7;
		if (n - head < rest)
			break;
		if (p[at] >> 4 == 3)
			take(p + head, rest, p[at] >> 1 & 3, lines, acks);
		at = head + rest;
	}
	return at;
}

int
main(int argc, char **argv)
{
	struct buf in = {0}, lines = {0}, acks = {0};
	ssize_t n;
	int fd;

	if (argc != 4) {
		fputs("usage: raw PORT QOS FILTER\n", stderr);
		return 2;
	}
	fd = open_broker(argv[1]);
	subscribe(fd, argv[3], atoi(argv[2]));
	while ((n = read(fd, buf_reserve(&in, READ), READ)) > 0) {
		in.n += (size_t)n;
		buf_shift(
		    &in, take_packets((const unsigned char *)in.p, in.n, &lines, &acks));
		put_all(STDOUT_FILENO, &lines);
		put_all(fd, &acks);
	}
	return 0;
}
