/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The limit that iotpub is compared with: clients in one process that do nothing but one send() a
 * message, and at QoS 1 a read when acknowledgements came.
 *
 *	plain LISTEN CLIENTS MESSAGES QOS RATE	MESSAGES of each client, RATE of all a second (0: no limit)
 *
 * Prints connects a second, messages a second and CPU microseconds a message.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#include "base/clock.h"
#include "base/mem.h"

enum { EVENTS = 512 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
open_one(const char *where)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET};
	bool is_path = strchr(where, '/') != NULL;
	int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
	in.sin_port = htons((uint16_t)strtoul(where, NULL, 10));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((is_path ? connect(fd, (const struct sockaddr *)&un, sizeof(un))
		     : connect(fd, (const struct sockaddr *)&in, sizeof(in))) != 0) {
		perror(where);
		exit(1);
	}
	return fd;
}

static int
connect_one(const char *where, int number)
{
	char packet[64], ack[8];
	int fd = open_one(where);
	int n = snprintf(packet + 14, 40, "DEV_%04d", number);

	memcpy(packet, "\x10\0\0\4MQTT\4\2\0\x3C\0", 13);
	packet[1] = (char)(12 + n);
	packet[13] = (char)n;
	if (send(fd, packet, (size_t)n + 14, MSG_NOSIGNAL) < 0 ||
	    read(fd, ack, sizeof(ack)) != 4) {
		fprintf(stderr, "plain: no CONNACK\n");
		exit(1);
	}
	return fd;
}

/* About what a device of iotpub says. */
static size_t
build(char *packet, size_t room, int number, int message, int qos)
{
	char topic[64], payload[160];
	int t = snprintf(topic, sizeof(topic), "iot/sensors/DEV_%04d/data", number);
	int p = snprintf(payload, sizeof(payload),
	    "{\"device_id\":\"DEV_%04d\",\"sensors\":{\"temperature\":%.2f,\"humidity\":%"
	    ".2f},"
	    "\"timestamp\":%ld}",
	    number, 20 + (double)(message % 100) / 10, 40 + (double)(message % 200) / 10,
	    (long)time(NULL));
	int rest = 2 + t + (qos > 0 ? 2 : 0) + p, n = 0;

	packet[n++] = (char)(0x30 | qos << 1);
	if (rest > 127) {
		packet[n++] = (char)(rest % 128 | 0x80);
		packet[n++] = (char)(rest / 128);
	} else {
		packet[n++] = (char)rest;
	}
	packet[n++] = 0;
	packet[n++] = (char)t;
	n += snprintf(packet + n, room - (size_t)n, "%s", topic);
	if (qos > 0) {
		packet[n++] = (char)((message + 1) >> 8);
		packet[n++] = (char)(message + 1);
	}
	memcpy(packet + n, payload, (size_t)p);
	return (size_t)(n + p);
}

/* Reads what acknowledgements there are; at the end all of them. */
static long
read_acks(int ep, long missing, int timeout)
{
	struct epoll_event events[EVENTS];
	int i, n = epoll_wait(ep, events, EVENTS, timeout);
	char acks[4096];

	for (i = 0; i < n; i++) {
		ssize_t got = recv(events[i].data.fd, acks, sizeof(acks), MSG_DONTWAIT);

		if (got > 0)
			missing -= got / 4;
	}
	return missing;
}

static void
keep_pace(double began, long sent, double rate, int ep, long *missing)
{
	double wait;

	while (rate > 0 && (wait = began + (double)sent / rate - now()) > 0.001)
		*missing = read_acks(ep, *missing, (int)(wait * 1000));
}

int
main(int argc, char **argv)
{
	int clients = argc == 6 ? atoi(argv[2]) : 0, messages, qos, i, m;
	int *fds = xcalloc((size_t)clients + 1, sizeof(*fds)), ep = epoll_create1(0);
	double rate, began, connected, used;
	long missing = 0, sent = 0;
	struct rlimit all;
	char packet[512];

	if (argc != 6 || clients < 1) {
		fprintf(stderr, "usage: plain LISTEN CLIENTS MESSAGES QOS RATE\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &all);
	all.rlim_cur = all.rlim_max;
	setrlimit(RLIMIT_NOFILE, &all);
	messages = atoi(argv[3]);
	qos = atoi(argv[4]);
	rate = atof(argv[5]);
	began = now();
	for (i = 0; i < clients; i++) {
		struct epoll_event e = {.events = EPOLLIN};

		e.data.fd = fds[i] = connect_one(argv[1], i + 1);
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e);
	}
	connected = now();
	used = cpu();
	for (m = 0; m < messages; m++) {
		for (i = 0; i < clients; i++, sent++) {
			size_t n = build(packet, sizeof(packet), i + 1, m, qos);

			if (send(fds[i], packet, n, MSG_NOSIGNAL) != (ssize_t)n) {
				perror("plain: send");
				return 1;
			}
			missing += qos > 0;
			keep_pace(connected, sent, rate, ep, &missing);
			if (rate == 0 && qos > 0 && sent % 64 == 0)
				missing = read_acks(ep, missing, 0);
		}
	}
	while (missing > 0)
		missing = read_acks(ep, missing, 1000);
	printf("%.0f connects/s, %.0f messages/s, %.2f us CPU a message\n",
	    clients / (connected - began), (double)sent / (now() - connected),
	    (cpu() - used) * 1e6 / (double)sent);
	return 0;
}
