/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

enum { LANES_MAX = 64 };

/* A thread that does one job after another. In between it waits for an answer or for its turn. */
struct lane {
	struct jobs *j;
	pthread_t thread;
	pthread_cond_t go;
	bool runs;
	bool ended;
	size_t job;
	const bool *answer; /* waits until it is true; NULL: until it is the job's turn */
};

struct jobs {
	struct ctl *c;
	void (*fn)(void *arg, size_t i);
	void *arg;
	size_t n;
	size_t next;        /* to be begun */
	size_t over_before; /* so many of the first are over */
	bool *over;
	pthread_mutex_t lock; /* held by the one that runs */
	pthread_cond_t back;  /* a lane stopped running */
	struct lane *current; /* NULL: the loop's thread */
	struct err broken;    /* the loop's end: no answer will come */
	struct lane lanes[LANES_MAX];
	size_t lanes_n;
};

static void
resume(struct lane *l)
{
	struct jobs *j = l->j;

	l->runs = true;
	j->current = l;
	pthread_cond_signal(&l->go);
	while (l->runs)
		pthread_cond_wait(&j->back, &j->lock);
	j->current = NULL;
}

static void
give_way(struct lane *l)
{
	l->runs = false;
	pthread_cond_signal(&l->j->back);
	while (!l->runs)
		pthread_cond_wait(&l->go, &l->j->lock);
}

static void *
run_lane(void *arg)
{
	struct lane *l = arg;
	struct jobs *j = l->j;

	pthread_mutex_lock(&j->lock);
	while (!l->runs)
		pthread_cond_wait(&l->go, &j->lock);
	while (j->next < j->n) {
		l->job = j->next++;
		j->fn(j->arg, l->job);
		j->over[l->job] = true;
		while (j->over_before < j->n && j->over[j->over_before])
			j->over_before++;
	}
	l->ended = true;
	l->runs = false;
	pthread_cond_signal(&j->back);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

static bool
is_ready(const struct lane *l)
{
	if (l->j->broken.code != ERR_OK)
		return true;
	return l->answer != NULL ? *l->answer : l->j->over_before >= l->job;
}

/* What the loop's thread does: lets each lane run that can go on, one at a time, else runs the loop until an
 * answer stops it. The first job that is not over never waits for a turn, so that one always can. */
static void
run_lanes(struct jobs *j)
{
	bool any = true;

	while (any) {
		bool idle = true;
		size_t i;

		any = false;
		for (i = 0; i < j->lanes_n; i++) {
			struct lane *l = &j->lanes[i];

			if (!l->ended && is_ready(l)) {
				resume(l);
				idle = false;
			}
			any = any || !l->ended;
		}
		if (any && idle)
			loop_run(j->c->loop, &j->broken);
	}
}

static int
wait_for_answer(void *arg, const bool *over, struct err *err)
{
	struct jobs *j = arg;
	struct lane *l = j->current;

	l->answer = over;
	while (!*over && j->broken.code == ERR_OK)
		give_way(l);
	l->answer = NULL;
	if (!*over)
		*err = j->broken;
	return *over ? 0 : -1;
}

void
jobs_turn(const struct ctl *c)
{
	struct jobs *j = c->jobs;

	while (j != NULL && j->over_before < j->current->job)
		give_way(j->current);
}

static void
start_lanes(struct jobs *j, size_t most)
{
	for (; j->lanes_n < most && j->lanes_n < j->n; j->lanes_n++) {
		struct lane *l = &j->lanes[j->lanes_n];

		l->j = j;
		pthread_cond_init(&l->go, NULL);
		if (pthread_create(&l->thread, NULL, run_lane, l) != 0) {
			pthread_cond_destroy(&l->go);
			break;
		}
	}
}

static void
run_at_once(struct jobs *j)
{
	struct ctl *c = j->c;

	pthread_mutex_lock(&j->lock);
	c->jobs = j;
	rest_wait_by(c->api, wait_for_answer, j);
	run_lanes(j);
	rest_wait_by(c->api, NULL, NULL);
	c->jobs = NULL;
	pthread_mutex_unlock(&j->lock);
}

int
jobs_run(struct ctl *c, int most, size_t n, void (*fn)(void *arg, size_t i), void *arg,
    struct err *err)
{
	struct jobs j = {.c = c, .fn = fn, .arg = arg, .n = n};
	size_t i;

	if (ctl_api(c, err))
		return -1;
	pthread_mutex_init(&j.lock, NULL);
	pthread_cond_init(&j.back, NULL);
	j.over = xcalloc(n + 1, sizeof(*j.over));
	if (n > 1 && most > 1)
		start_lanes(&j, (size_t)(most < LANES_MAX ? most : LANES_MAX));
	if (j.lanes_n != 0)
		run_at_once(&j);
	else
		for (i = 0; i < n; i++)
			fn(arg, i);
	for (i = 0; i < j.lanes_n; i++) {
		pthread_join(j.lanes[i].thread, NULL);
		pthread_cond_destroy(&j.lanes[i].go);
	}
	free(j.over);
	pthread_cond_destroy(&j.back);
	pthread_mutex_destroy(&j.lock);
	return 0;
}

static void
on_signal(void *arg, int signo)
{
	struct ctl *c = arg;

	if (c->signo != 0) {
		loop_unblock_signals();
		fflush(stdout);
		raise(signo);
	}
	c->signo = signo;
}

int
jobs_catch_signals(struct ctl *c, struct err *err)
{
	return ctl_loop(c, err) || loop_signal(c->loop, SIGINT, on_signal, c, err) ||
		loop_signal(c->loop, SIGTERM, on_signal, c, err)
	    ? -1
	    : 0;
}

bool
jobs_are_hopeless(const struct err *err)
{
	return err->code == ERR_UNREACHABLE || err->code == ERR_AUTH ||
	    err->code == ERR_OUTPUT;
}

/* The state of jobs_each. */
struct each {
	struct ctl *c;
	const struct strv *names;
	int (*fn)(struct ctl *c, const char *name, void *arg, struct err *err);
	void *arg;
	size_t begun, failed;
	bool stopped;
	struct err hopeless; /* the first, in order */
};

/* Whether one of those that are not over yet has the same name. */
static bool
is_under_way(const struct each *e, size_t i)
{
	size_t k = e->c->jobs != NULL ? e->c->jobs->over_before : i;

	while (k < i && strcmp(e->names->v[k], e->names->v[i]) != 0)
		k++;
	return k < i;
}

static void
each_job(void *arg, size_t i)
{
	struct each *e = arg;
	struct err one = {0};

	if (e->stopped || e->c->signo != 0)
		return;
	e->begun++;
	if (is_under_way(e, i))
		jobs_turn(e->c);
	if (e->fn(e->c, e->names->v[i], e->arg, &one) == 0)
		return;
	e->failed++;
	e->stopped = e->stopped || jobs_are_hopeless(&one);
	jobs_turn(e->c);
	/* Jobs that were under way when one failed for good fail with the same words. */
	if (strcmp(e->hopeless.text, one.text) != 0)
		log_err(&one);
	if (e->hopeless.code == ERR_OK && jobs_are_hopeless(&one))
		e->hopeless = one;
}

int
jobs_each(struct ctl *c, int most, const struct strv *names,
    int (*fn)(struct ctl *c, const char *name, void *arg, struct err *err), void *arg,
    struct err *err)
{
	struct each e = {.c = c, .names = names, .fn = fn, .arg = arg};

	if (names->n == 1)
		return fn(c, names->v[0], arg, err);
	if (jobs_run(c, most, names->n, each_job, &e, err))
		return -1;
	if (c->signo != 0)
		return err_set(err, (enum err_code)(ERR_SIGNAL + c->signo),
		    _("stopped: %zu of %zu were not begun"), names->n - e.begun,
		    names->n);
	if (e.hopeless.code != ERR_OK) {
		*err = (struct err){.code = e.hopeless.code};
		return -1;
	}
	return e.failed == 0
	    ? 0
	    : err_set(err, ERR_FAILED, _("%zu of %zu failed"), e.failed, names->n);
}
