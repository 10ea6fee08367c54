/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/rotate/deliver.h"

#include "base/mem.h"
#include "base/text.h"
#include "exec/exec_pool.h"

enum { PATIENCE = 60000, OUTPUT_MOST = 1 << 16 }; /* ms; bytes */

struct delivering {
	struct loop *loop;
	size_t left;
};

static void
on_done(void *arg, void *tag, const struct exec_pool_result *result)
{
	struct delivering *d = arg;
	struct deliver *one = tag;

	if (result->status != EXEC_POOL_OK)
		one->why = result->why;
	d->left--;
	loop_stop(d->loop);
}

static void
start(struct exec_pool *pool, struct deliver *one)
{
	char *line = xasprintf("%s\n", one->password);
	const struct msg m = {.payload = span_of(line)};

	exec_pool_run(pool, &m, span_of(one->device), (struct span){0}, one);
	mem_free_secret(line);
}

int
deliver_all(
    struct ctl *c, const char *command, struct deliver *v, size_t n, struct err *err)
{
	struct strv words = {0};
	const struct exec_pool_opts opts = {.command = &words,
	    .timeout = PATIENCE,
	    .jobs = (size_t)c->args->jobs,
	    .output_max = OUTPUT_MOST};
	struct delivering d = {.left = n};
	struct exec_pool *pool = NULL;
	int failed = ctl_loop(c, err);
	size_t i;

	strv_add(&words, "sh");
	strv_add(&words, "-c");
	strv_add(&words, command);
	d.loop = c->loop;
	failed = failed || exec_pool_new(&pool, c->loop, &opts, on_done, &d, err);
	for (i = 0; i < n && !failed; i++)
		start(pool, &v[i]);
	while (d.left != 0 && !failed)
		failed = loop_run(c->loop, err);
	exec_pool_free(pool);
	strv_release(&words);
	return failed;
}
