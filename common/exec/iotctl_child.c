/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/iotctl_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "exec/spawn.h"

enum { PIECE = 16384, LINE_MOST = 1 << 20 };

/* Its standard input is empty: it must not read what was meant for us. */
static int
begin(struct iotctl_child_answer *a, const char *config, const char *context,
    struct err *err)
{
	const char *words[11] = {"iotctl", "--format", "ndjson"};
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
	if (log_level() >= LOG_DEBUG)
		words[n++] = "-vv";
	words[n++] = a->resource;
	words[n] = "list";
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, ERR_FAILED, _("cannot run iotctl"));
	s.out = ends[1];
	a->fd = ends[0];
	failed = spawn_start(&s, &a->pid)
	    ? err_sys(err, ERR_FAILED, _("cannot run iotctl"))
	    : 0;
	close(ends[1]);
	if (failed)
		close(ends[0]);
	return failed;
}

int
iotctl_child_begin(struct iotctl_child_answer *a, const char *config, const char *context,
    const char *resource, iotctl_child_take *take, void *arg, struct err *err)
{
	*a = (struct iotctl_child_answer){.resource = resource, .take = take, .arg = arg};
	if (begin(a, config, context, err))
		return -1;
	fcntl(a->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static int
take_line(struct iotctl_child_answer *a, struct span line, struct err *err)
{
	struct span object;

	a->lines++;
	if (json_check(line, &object, NULL) && json_kind(object) == JSON_KIND_OBJECT)
		return a->take(a->arg, object, err);
	return err_set(err, ERR_PROTOCOL,
	    _("--from-platform: line %zu of 'iotctl %s list' is no JSON object"),
	    a->lines, a->resource);
}

static int
take_lines(struct iotctl_child_answer *a, struct err *err)
{
	struct span rest = buf_as_span(&a->rest);
	const char *end;
	int failed = 0;

	while (!failed && (end = memchr(rest.p, '\n', rest.n)) != NULL) {
		size_t n = (size_t)(end - rest.p);

		failed = take_line(a, (struct span){rest.p, n}, err);
		rest.p += n + 1;
		rest.n -= n + 1;
	}
	buf_shift(&a->rest, a->rest.n - rest.n);
	if (!failed && rest.n > LINE_MOST)
		failed = err_set(err, ERR_PROTOCOL,
		    _("--from-platform: line %zu of 'iotctl %s list' has more than %d "
		      "bytes"),
		    a->lines + 1, a->resource, LINE_MOST);
	return failed ? -1 : 0;
}

int
iotctl_child_read(struct iotctl_child_answer *a, struct err *err)
{
	ssize_t n = read(a->fd, buf_reserve(&a->rest, PIECE), PIECE);

	if (n == 0)
		return 0;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n < 0) {
		err_sys(err, ERR_FAILED, _("cannot read from iotctl"));
	} else {
		a->rest.n += (size_t)n;
		if (take_lines(a, err) == 0)
			return 1;
	}
	/* It may not write again for long, and so not notice. */
	kill(a->pid, SIGTERM);
	return -1;
}

static int
judge(const struct iotctl_child_answer *a, int status, struct err *err)
{
	if (!WIFEXITED(status))
		return err_set(err, ERR_FAILED,
		    _("--from-platform: 'iotctl %s list' was ended by signal %d"),
		    a->resource, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, (enum err_code)WEXITSTATUS(status),
		    _("--from-platform: 'iotctl %s list' ended with status %d"),
		    a->resource, WEXITSTATUS(status));
	if (a->rest.n != 0)
		return err_set(err, ERR_PROTOCOL,
		    _("--from-platform: the answer of 'iotctl %s list' ends within a "
		      "line"),
		    a->resource);
	return 0;
}

int
iotctl_child_end(struct iotctl_child_answer *a, struct err *err)
{
	int status = 0, failed;

	close(a->fd);
	while (waitpid(a->pid, &status, 0) < 0 && errno == EINTR)
		;
	failed = judge(a, status, err);
	buf_release(&a->rest);
	return failed;
}

int
iotctl_child_list(const char *config, const char *context, const char *resource,
    iotctl_child_take *take, void *arg, struct err *err)
{
	struct iotctl_child_answer a = {.resource = resource, .take = take, .arg = arg};
	int more;

	if (begin(&a, config, context, err))
		return -1;
	while ((more = iotctl_child_read(&a, err)) == 1)
		;
	return iotctl_child_end(&a, more < 0 ? NULL : err) || more < 0 ? -1 : 0;
}

int
iotctl_child_keep(void *buf, struct span object, struct err *err)
{
	(void)err;
	buf_span(buf, object);
	buf_putc(buf, '\n');
	return 0;
}

bool
iotctl_child_next(struct span *rest, struct span *object)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;

	if (end == NULL)
		return false;
	*object = (struct span){rest->p, (size_t)(end - rest->p)};
	rest->p += object->n + 1;
	rest->n -= object->n + 1;
	return true;
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

int64_t
iotctl_child_number(struct span object, const char *key)
{
	struct span value;
	struct buf number = {0};
	int64_t n = -1;

	if (json_member(object, key, &value)) {
		buf_span(&number, value);
		if (text_int(buf_str(&number), 0, INT64_MAX, key, &n, NULL))
			n = -1;
	}
	buf_release(&number);
	return n;
}
