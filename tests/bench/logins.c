/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guesses at passwords, and what good requests feel of them.
 *
 *	logins PORT TOKEN ATTACKERS SECONDS USER
 *
 * ATTACKERS connections log in with wrong passwords as fast as they are answered, as USER or, when that is "-", each
 * time as another that does not exist. Beside them one connection asks for device-status a hundred times in a
 * second. Prints one line: what that took, and how many guesses were answered how.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { MOST = 1000000, PAUSE_US = 10000 };

static uint16_t port;
static const char *user;
static atomic_bool over;
static atomic_long guessed, throttled, other;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
dial(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die("connect");
	return fd;
}

/* Sends the request and reads its answer, head and body; its status. */
static int
ask(int fd, const char *request)
{
	char in[16384];
	size_t n = 0, want = sizeof(in);
	const char *head, *length;

	if (write(fd, request, strlen(request)) != (ssize_t)strlen(request))
		die("write");
	while (n < want) {
		ssize_t got = read(fd, in + n, sizeof(in) - 1 - n);

		if (got <= 0)
			die("read");
		n += (size_t)got;
		in[n] = '\0';
		head = strstr(in, "\r\n\r\n");
		length = strstr(in, "Content-Length: ");
		if (head != NULL)
			want = (size_t)(head + 4 - in) +
			    (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
	}
	return atoi(in + sizeof("HTTP/1.1"));
}

static void *
attack(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;
	char body[128], request[512];
	int fd = dial();

	while (!atomic_load(&over)) {
		int status;

		if (strcmp(user, "-") == 0)
			snprintf(body, sizeof(body),
			    "{\"username\":\"u%d\",\"password\":\"guess\"}",
			    rand_r(&seed));
		else
			snprintf(body, sizeof(body),
			    "{\"username\":\"%s\",\"password\":\"guess%d\"}", user,
			    rand_r(&seed));
		snprintf(request, sizeof(request),
		    "POST /api/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
		    "application/json\r\nContent-Length: %zu\r\n\r\n%s",
		    strlen(body), body);
		status = ask(fd, request);
		atomic_fetch_add(status == 400 ? &guessed
			: status == 429        ? &throttled
					       : &other,
		    1);
	}
	close(fd);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Fills `took` with the microseconds of good requests, for so many seconds. */
static size_t
measure(const char *token, int64_t seconds, int64_t *took)
{
	const int64_t end = clock_us() + seconds * 1000000;
	char request[512];
	int fd = dial();
	size_t n = 0;

	snprintf(request, sizeof(request),
	    "GET /api/mqtt/device-status/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
	    "Bearer %s\r\n\r\n",
	    token);
	while (clock_us() < end && n < MOST) {
		int64_t began = clock_us();

		if (ask(fd, request) != 200)
			die("a good request was refused");
		took[n++] = clock_us() - began;
		usleep(PAUSE_US);
	}
	close(fd);
	return n;
}

int
main(int argc, char **argv)
{
	static int64_t took[MOST];
	pthread_t threads[1024];
	int attackers = argc == 6 ? atoi(argv[3]) : -1, i;
	size_t n;

	if (attackers < 0 || attackers > 1024) {
		fprintf(stderr, "usage: logins PORT TOKEN ATTACKERS SECONDS USER\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[1]);
	user = argv[5];
	for (i = 0; i < attackers; i++) {
		if (pthread_create(&threads[i], NULL, attack, (void *)(size_t)(i + 1)) !=
		    0)
			die("pthread_create");
	}
	n = measure(argv[2], atoi(argv[4]), took);
	atomic_store(&over, true);
	for (i = 0; i < attackers; i++)
		pthread_join(threads[i], NULL);
	qsort(took, n, sizeof(*took), compare);
	printf("good=%zu p50_us=%lld p99_us=%lld max_us=%lld guessed=%ld throttled=%ld "
	       "other=%ld\n",
	    n, (long long)took[n / 2], (long long)took[n * 99 / 100],
	    (long long)took[n - 1], atomic_load(&guessed), atomic_load(&throttled),
	    atomic_load(&other));
	return 0;
}
