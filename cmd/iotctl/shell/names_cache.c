/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/shell/names_cache.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/utf8.h"
#include "rest/rest_url.h"
#include "iotctl/core/lookup.h"

enum { FRESH = 60, PATIENCE = 300, SLICE = 20, NAMES_MAX = 5000, FETCH_TIME = 10000 };

static char *
cache_path(const struct ctl *c, const struct schema_resource *r)
{
	const char *context = c->args->common.context;
	struct buf name = {0};
	char *path;

	/* The context may be one of another configuration, or lead to another URL for once. */
	buf_printf(&name, "names-%s-", context != NULL ? context : "default");
	rest_url_escape(&name, span_of(c->args->api.url));
	buf_printf(&name, "-%s", r->name);
	path = file_cache_path(buf_str(&name));
	buf_release(&name);
	return path;
}

struct gathering {
	const struct schema_resource *r;
	struct buf names;
	size_t n;
};

/* A name that cannot be shown as it is, and on one line, is not offered: what could be shown is not the name. */
static int
gather(void *arg, struct span object, struct err *err)
{
	struct gathering *g = arg;
	char *name = lookup_label_of(g->r, object);

	(void)err;
	if (utf8_is_harmless_text(span_of(name)))
		buf_printf(&g->names, "%s\n", name);
	free(name);
	return ++g->n == NAMES_MAX;
}

/* In a process of its own, a fork without exec, for it has the context's settings: nothing of it reaches
 * the terminal. */
_Noreturn static void
fetch(struct ctl *c, const struct schema_resource *r, const char *path)
{
	struct ctl own = {.args = c->args, .set = c->set};
	struct gathering g = {.r = r};
	char *list = rest_list_path(r, "", NULL, 0);
	struct err err = {0};
	int null;

	log_init("iotctl", LOG_QUIET);
	loop_unblock_signals();
	signal(SIGINT, SIG_IGN);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	own.args->api.timeout = FETCH_TIME;
	/* What is not whole is offered as far as it came. */
	if (ctl_api(&own, &err) == 0 &&
	    (rest_list(own.api, list, gather, &g, &err) >= 0 || err.code == ERR_FAILED))
		file_write(path, buf_as_span(&g.names), 0600, &err);
	_exit(0);
}

/* The end of the pipe that closes when the process is done, or -1. Its parent is init. */
static int
start_fetch(struct ctl *c, const struct schema_resource *r, const char *path)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		if (fork() != 0)
			_exit(0);
		dup2(ends[1], STDOUT_FILENO);
		fetch(c, r, path);
	}
	close(ends[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return ends[0];
}

static bool
somebody_waits(void)
{
	sigset_t waiting;

	return sigpending(&waiting) == 0 && sigismember(&waiting, SIGINT) == 1;
}

static void
wait_for_it(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int i;

	for (i = 0; i < PATIENCE / SLICE && !somebody_waits(); i++) {
		if (poll(&p, 1, SLICE) != 0)
			break;
	}
	close(fd);
}

void
names_cache_live(struct ctl *c, const struct schema_resource *r, struct strv *out)
{
	char *path = cache_path(c, r);
	struct stat st;
	FILE *in;
	int fd;

	if (path == NULL)
		return;
	if (stat(path, &st) != 0 || time(NULL) - st.st_mtime > FRESH) {
		fd = start_fetch(c, r, path);
		if (fd >= 0)
			wait_for_it(fd);
	}
	in = fopen(path, "re");
	if (in != NULL) {
		file_names(in, path, out, NULL);
		fclose(in);
	}
	free(path);
}

void
names_cache_forget(struct ctl *c)
{
	const struct schema_resource *r;

	for (r = schema; r->name != NULL; r++) {
		char *path = cache_path(c, r);

		if (path != NULL)
			unlink(path);
		free(path);
	}
}
