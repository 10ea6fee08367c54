/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/offload.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

enum { NICE = 10 };

struct offload_job {
	void (*run)(void *arg);
	void *arg;
};

struct lane {
	struct offload_job *jobs; /* a ring */
	int first, n;
};

struct offload {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct lane *lanes;
	int lanes_n, room;
	int turn; /* the lane that is asked first for the next job */
	bool stopping;
	pthread_t *threads;
	int threads_n;
};

/* The lane whose turn it is, of those in which somebody waits; NULL: nobody does. */
static struct lane *
next_lane(struct offload *o)
{
	int i;

	for (i = 0; i < o->lanes_n; i++) {
		const int at = (o->turn + i) % o->lanes_n;

		if (o->lanes[at].n != 0) {
			o->turn = (at + 1) % o->lanes_n;
			return &o->lanes[at];
		}
	}
	return NULL;
}

static bool
take(struct offload *o, struct offload_job *out)
{
	struct lane *lane;

	pthread_mutex_lock(&o->lock);
	while ((lane = next_lane(o)) == NULL && !o->stopping)
		pthread_cond_wait(&o->work, &o->lock);
	if (lane != NULL) {
		*out = lane->jobs[lane->first];
		lane->first = (lane->first + 1) % o->room;
		lane->n--;
	}
	pthread_mutex_unlock(&o->lock);
	return lane != NULL;
}

static void *
work(void *arg)
{
	struct offload_job job;

	/* Linux: of this thread alone. Where it is refused nothing is lost but a little time. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while (take(arg, &job))
		job.run(job.arg);
	return NULL;
}

struct offload *
offload_new(int threads, int lanes, int waiting)
{
	struct offload *o = xcalloc(1, sizeof(*o));
	int i;

	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	o->room = waiting;
	o->lanes_n = lanes;
	o->lanes = xcalloc((size_t)lanes, sizeof(*o->lanes));
	for (i = 0; i < lanes; i++)
		o->lanes[i].jobs = xcalloc((size_t)waiting, sizeof(struct offload_job));
	o->threads = xcalloc((size_t)threads, sizeof(*o->threads));
	while (o->threads_n < threads &&
	    pthread_create(&o->threads[o->threads_n], NULL, work, o) == 0)
		o->threads_n++;
	if (o->threads_n != 0)
		return o;
	offload_free(o);
	return NULL;
}

bool
offload_put(struct offload *o, int lane, void (*run)(void *arg), void *arg)
{
	struct lane *l = &o->lanes[lane];
	bool fits;

	pthread_mutex_lock(&o->lock);
	fits = l->n < o->room && !o->stopping;
	if (fits) {
		l->jobs[(l->first + l->n) % o->room] = (struct offload_job){run, arg};
		l->n++;
		pthread_cond_signal(&o->work);
	}
	pthread_mutex_unlock(&o->lock);
	return fits;
}

void
offload_stop(struct offload *o)
{
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	while (o->threads_n > 0)
		pthread_join(o->threads[--o->threads_n], NULL);
}

void
offload_free(struct offload *o)
{
	int i;

	if (o == NULL)
		return;
	offload_stop(o);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->work);
	free(o->threads);
	for (i = 0; i < o->lanes_n; i++)
		free(o->lanes[i].jobs);
	free(o->lanes);
	free(o);
}
