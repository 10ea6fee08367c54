/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_BROKER_H
#define TESTS_UNIT_BROKER_H

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "unit.h"

/* A real mosquitto on a unix socket in a directory of its own. */
struct broker {
	char dir[32];
	char *sock;
	pid_t pid;
};

static inline void
broker_start(struct broker *b)
{
	char *conf = xasprintf("%s/conf", b->dir);
	char *log = xasprintf("%s/log", b->dir);
	int tries;

	unlink(b->sock);
	b->pid = fork();
	if (b->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		assert_non_null(freopen(log, "a", stderr));
		execlp("mosquitto", "mosquitto", "-c", conf, (char *)NULL);
		execl("/usr/sbin/mosquitto", "mosquitto", "-c", conf, (char *)NULL);
		_exit(127);
	}
	for (tries = 0; access(b->sock, F_OK) != 0 && tries < 200; tries++)
		usleep(20000);
	free(conf);
	free(log);
}

static inline void
broker_stop(struct broker *b)
{
	kill(b->pid, SIGTERM);
	waitpid(b->pid, NULL, 0);
}

static inline int
broker_setup(void **state)
{
	static struct broker b;
	char *conf, *text;

	strcpy(b.dir, "/tmp/iot-session.XXXXXX");
	assert_non_null(mkdtemp(b.dir));
	b.sock = xasprintf("%s/mq.sock", b.dir);
	conf = xasprintf("%s/conf", b.dir);
	text = xasprintf(
	    "listener 0 %s\nuser root\nallow_anonymous true\nlog_type all\n", b.sock);
	assert_int_equal(file_write(conf, span_of(text), 0600, NULL), 0);
	free(text);
	free(conf);
	broker_start(&b);
	*state = &b;
	return 0;
}

static inline int
broker_teardown(void **state)
{
	struct broker *b = *state;
	char *rm = xasprintf("rm -rf %s", b->dir);

	broker_stop(b);
	assert_int_equal(system(rm), 0);
	free(rm);
	free(b->sock);
	return 0;
}

/* How often a text stands in the broker's log. */
static inline int
broker_logged(const struct broker *b, const char *text)
{
	char *log = xasprintf("%s/log", b->dir);
	struct buf all = {0};
	const char *at;
	int n = 0;

	assert_int_equal(file_read(log, 1 << 24, &all, NULL), 0);
	for (at = strstr(buf_str(&all), text); at != NULL; at = strstr(at + 1, text))
		n++;
	buf_release(&all);
	free(log);
	return n;
}

#endif
