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

struct offload {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct offload_job *jobs; /* a ring */
	int room, first, n;
	bool stopping;
	pthread_t *threads;
	int threads_n;
};

static bool
take(struct offload *o, struct offload_job *out)
{
	bool is;

	pthread_mutex_lock(&o->lock);
	while (o->n == 0 && !o->stopping)
		pthread_cond_wait(&o->work, &o->lock);
	is = o->n != 0;
	if (is) {
		*out = o->jobs[o->first];
		o->first = (o->first + 1) % o->room;
		o->n--;
	}
	pthread_mutex_unlock(&o->lock);
	return is;
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
offload_new(int threads, int waiting)
{
	struct offload *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->work, NULL);
	o->room = waiting;
	o->jobs = xcalloc((size_t)waiting, sizeof(*o->jobs));
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
offload_put(struct offload *o, void (*run)(void *arg), void *arg)
{
	bool fits;

	pthread_mutex_lock(&o->lock);
	fits = o->n < o->room && !o->stopping;
	if (fits) {
		o->jobs[(o->first + o->n) % o->room] = (struct offload_job){run, arg};
		o->n++;
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
	if (o == NULL)
		return;
	offload_stop(o);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->work);
	free(o->threads);
	free(o->jobs);
	free(o);
}
