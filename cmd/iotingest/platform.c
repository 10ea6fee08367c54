/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

extern char **environ;

/* More than any platform has brokers or topics. */
enum { ANSWER_MOST = 16 << 20 };

static int
spawn(char **argv, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int failed;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	failed = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static int
read_answer(int fd, struct buf *answer, struct err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0 && answer->n < ANSWER_MOST) {
		if (n > 0)
			buf_put(answer, piece, (size_t)n);
		else if (errno != EINTR)
			return err_sys(err, ERR_FAILED, _("cannot read from iotctl"));
	}
	return 0;
}

static int
judge(pid_t pid, const char *resource, struct err *err)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!WIFEXITED(status))
		return err_set(err, ERR_FAILED,
		    _("'iotctl %s list' was ended by signal %d"), resource,
		    WTERMSIG(status));
	return err_set(err, (enum err_code)WEXITSTATUS(status),
	    _("--from-platform: 'iotctl %s list' ended with status %d"), resource,
	    WEXITSTATUS(status));
}

/* `iotctl RESOURCE list` as NDJSON, with our configuration and context. */
static int
ask(const struct args *a, const char *resource, struct buf *answer, struct err *err)
{
	char *argv[] = {"iotctl", "--format", "ndjson", "--config", a->common.config,
	    "--context", a->common.context, (char *)resource, "list", NULL};
	char *fit[ARRAY_LEN(argv)];
	size_t i, n = 0;
	int ends[2], failed;
	pid_t pid;

	/* An option without a value is not given. */
	for (i = 0; i < ARRAY_LEN(argv); i++) {
		if (i + 2 < ARRAY_LEN(argv) && argv[i + 1] == NULL)
			i++;
		else
			fit[n++] = argv[i];
	}
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, ERR_FAILED, _("cannot run iotctl"));
	errno = spawn(fit, ends[1], &pid);
	failed = errno != 0 ? err_sys(err, ERR_FAILED, _("cannot run iotctl")) : 0;
	close(ends[1]);
	if (!failed) {
		failed = read_answer(ends[0], answer, err);
		close(ends[0]);
		return judge(pid, resource, failed ? NULL : err) || failed ? -1 : 0;
	}
	close(ends[0]);
	return -1;
}

/* The first line of *rest as an object; false at the end. */
static bool
next_object(struct span *rest, struct span *object)
{
	while (rest->n > 0) {
		const char *end = memchr(rest->p, '\n', rest->n);
		struct span line = {
		    rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
		size_t step = line.n + (end != NULL);

		rest->p += step;
		rest->n -= step;
		if (json_check(line, object, NULL) &&
		    json_kind(*object) == JSON_KIND_OBJECT)
			return true;
	}
	return false;
}

/* A member that is a text and not empty (free), or NULL. */
static char *
text_of(struct span object, const char *key)
{
	struct buf b = {0};

	if (json_member_string(object, key, &b) && b.n > 0)
		return buf_steal(&b);
	buf_release(&b);
	return NULL;
}

static bool
is_true(struct span object, const char *key)
{
	struct span value;

	return json_member(object, key, &value) && json_kind(value) == JSON_KIND_TRUE;
}

static void
take_topic(struct platform *p, struct span topic)
{
	char *direction = text_of(topic, "tipo");
	char *pattern = text_of(topic, "topic_pattern");

	if (direction != NULL && pattern != NULL && strcmp(direction, "subscribe") != 0)
		strv_add(&p->topics, pattern);
	free(direction);
	free(pattern);
}

static int
ask_topics(struct platform *p, const struct args *a, struct err *err)
{
	struct buf answer = {0};
	struct span rest, topic;
	int failed = ask(a, "topic", &answer, err);

	rest = buf_as_span(&answer);
	while (!failed && next_object(&rest, &topic))
		take_topic(p, topic);
	buf_release(&answer);
	if (!failed && p->topics.n == 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("--from-platform: the platform has no topic that devices publish "
		      "to; see 'iotctl topic list'"));
	return failed;
}

static int
take_broker(struct platform *p, struct span broker, struct err *err)
{
	char *protocol = text_of(broker, "protocol");
	struct span port = {0};
	struct buf number = {0};
	long value = 0;
	int failed = 0;

	p->host = text_of(broker, "host");
	if (protocol != NULL && protocol[0] == 'w')
		failed = err_set(err, ERR_USAGE,
		    _("--from-platform: its broker speaks MQTT over WebSocket only: name "
		      "another way with -L"));
	else if (p->host == NULL || !json_member(broker, "port", &port))
		failed = err_set(err, ERR_PROTOCOL,
		    _("--from-platform: its broker has no host or no port"));
	else {
		buf_span(&number, port);
		failed = text_int(
		    buf_str(&number), 1, 65535, _("the broker's port"), &value, err);
	}
	p->port = (int)value;
	p->tls = (protocol != NULL && strcmp(protocol, "mqtts") == 0) ||
	    is_true(broker, "use_tls");
	p->ca_pem = text_of(broker, "ca_cert");
	p->username = text_of(broker, "username");
	buf_release(&number);
	free(protocol);
	return failed;
}

/* The one broker that is in use. */
static int
ask_broker(struct platform *p, const struct args *a, struct err *err)
{
	struct buf answer = {0}, names = {0};
	struct span rest, broker, chosen = {0};
	size_t active = 0;
	int failed = ask(a, "broker", &answer, err);

	rest = buf_as_span(&answer);
	while (!failed && next_object(&rest, &broker)) {
		if (!is_true(broker, "is_active"))
			continue;
		buf_puts(&names, active++ != 0 ? ", " : "");
		json_member_string(broker, "nombre", &names);
		chosen = broker;
	}
	if (!failed && active == 1)
		failed = take_broker(p, chosen, err);
	else if (!failed && active == 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("--from-platform: the platform has no active broker: name one "
		      "with -h or -L"));
	else if (!failed)
		failed = err_set(err, ERR_USAGE,
		    _("--from-platform: the platform has %zu active brokers (%s): name "
		      "one with -h or -L"),
		    active, buf_str(&names));
	buf_release(&answer);
	buf_release(&names);
	return failed;
}

int
platform_ask(struct platform *p, const struct args *a, struct err *err)
{
	if (ask_topics(p, a, err))
		return -1;
	if (a->mqtt.host != NULL || a->mqtt.url != NULL)
		return 0;
	return ask_broker(p, a, err);
}

void
platform_release(struct platform *p)
{
	strv_release(&p->topics);
	free(p->host);
	free(p->ca_pem);
	free(p->username);
}
