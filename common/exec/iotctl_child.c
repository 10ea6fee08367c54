/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/iotctl_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "exec/spawn.h"

int
iotctl_child_fits(const struct buf *answer, const char *resource, struct err *err)
{
	return answer->n < IOTCTL_CHILD_ANSWER_MAX
	    ? 0
	    : err_set(err, ERR_PROTOCOL,
		  _("--from-platform: 'iotctl %s list' answers with over %d MiB"),
		  resource, IOTCTL_CHILD_ANSWER_MAX >> 20);
}

static int
read_answer(int fd, const char *resource, struct buf *answer, struct err *err)
{
	char piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno != EINTR)
			return err_sys(err, ERR_FAILED, _("cannot read from iotctl"));
		if (n > 0)
			buf_put(answer, piece, (size_t)n);
		if (iotctl_child_fits(answer, resource, err))
			return -1;
	}
	return 0;
}

int
iotctl_child_end(pid_t pid, const char *resource, struct err *err)
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

/* Its standard input is empty: it must not read what was meant for us. */
static int
begin(const char *config, const char *context, const char *resource, int *fd, pid_t *pid,
    struct err *err)
{
	const char *words[10] = {"iotctl", "--format", "ndjson"};
	struct spawn s = {.role = SPAWN_IOTCTL, .words = (char *const *)words, .in = -1};
	size_t n = 3;
	int ends[2], failed;

	if (config != NULL) {
		words[n++] = "--config";
		words[n++] = config;
	}
	if (context != NULL) {
		words[n++] = "--context";
		words[n++] = context;
	}
	words[n++] = resource;
	words[n] = "list";
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, ERR_FAILED, _("cannot run iotctl"));
	s.out = ends[1];
	failed =
	    spawn_start(&s, pid) ? err_sys(err, ERR_FAILED, _("cannot run iotctl")) : 0;
	close(ends[1]);
	if (failed)
		close(ends[0]);
	else
		*fd = ends[0];
	return failed;
}

int
iotctl_child_begin(const char *config, const char *context, const char *resource, int *fd,
    pid_t *pid, struct err *err)
{
	if (begin(config, context, resource, fd, pid, err))
		return -1;
	fcntl(*fd, F_SETFL, O_NONBLOCK);
	return 0;
}

int
iotctl_child_list(const char *config, const char *context, const char *resource,
    struct buf *answer, struct err *err)
{
	int fd, failed;
	pid_t pid;

	if (begin(config, context, resource, &fd, &pid, err))
		return -1;
	failed = read_answer(fd, resource, answer, err);
	close(fd);
	return iotctl_child_end(pid, resource, failed ? NULL : err) || failed ? -1 : 0;
}

bool
iotctl_child_next(struct span *rest, struct span *object)
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

char *
iotctl_child_text(struct span object, const char *key)
{
	struct buf b = {0};

	if (json_member_string(object, key, &b) && b.n > 0)
		return buf_steal(&b);
	buf_release(&b);
	return NULL;
}

bool
iotctl_child_is_true(struct span object, const char *key)
{
	struct span value;

	return json_member(object, key, &value) && json_kind(value) == JSON_KIND_TRUE;
}

long
iotctl_child_number(struct span object, const char *key)
{
	struct span value;
	struct buf number = {0};
	long n = -1;

	if (json_member(object, key, &value)) {
		buf_span(&number, value);
		if (text_int(buf_str(&number), 0, LONG_MAX, key, &n, NULL))
			n = -1;
	}
	buf_release(&number);
	return n;
}

/* The path is EMQX's: the platform does not say. */
int
iotctl_child_broker_read(
    struct iotctl_child_broker *b, struct span object, struct err *err)
{
	char *protocol = iotctl_child_text(object, "protocol");
	const bool ws = protocol != NULL && protocol[0] == 'w';
	const long port = iotctl_child_number(object, "port");

	b->id = iotctl_child_number(object, "id");
	b->host = iotctl_child_text(object, "host");
	b->port = (int)port;
	b->tls = (protocol != NULL &&
		     (strcmp(protocol, "mqtts") == 0 || strcmp(protocol, "wss") == 0)) ||
	    iotctl_child_is_true(object, "use_tls");
	b->ws_path = ws ? xstrdup("/mqtt") : NULL;
	b->ca_pem = iotctl_child_text(object, "ca_cert");
	b->username = iotctl_child_text(object, "username");
	free(protocol);
	if (b->host == NULL || port < 1 || port > 65535)
		return err_set(err, ERR_PROTOCOL,
		    _("--from-platform: its broker has no host or no port"));
	return 0;
}

void
iotctl_child_broker_release(struct iotctl_child_broker *b)
{
	free(b->host);
	free(b->ws_path);
	free(b->ca_pem);
	free(b->username);
	*b = (struct iotctl_child_broker){0};
}
