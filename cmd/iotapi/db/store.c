/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/tables.h"

enum { READERS_KEPT = 16, GROUP_MAX = 1000 };

struct job {
	int (*run)(struct db *db, void *arg, struct err *err);
	void (*done)(void *arg, const struct err *why);
	void *arg;
	struct err err;
	struct job *next;
};

struct store {
	char *path;
	struct db *db; /* the writer's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **last;
	bool stopping;
	struct db *readers[READERS_KEPT];
	size_t free_readers;
};

/* Up to GROUP_MAX waiting jobs, or NULL when it is time to stop. Waits for the first. */
static struct job *
take_jobs(struct store *s)
{
	struct job *group, *j;
	int n;

	pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->stopping)
		pthread_cond_wait(&s->work, &s->lock);
	group = s->first;
	for (j = group, n = 1; j != NULL && j->next != NULL && n < GROUP_MAX; n++)
		j = j->next;
	if (j != NULL) {
		s->first = j->next;
		if (s->first == NULL)
			s->last = &s->first;
		j->next = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return group;
}

/* A failed job is undone alone, unless SQLite has ended the whole transaction, or cannot undo: -1, and nothing of
 * it is left. An error that the job overlooked counts, since it went on by what it did not see. */
static int
run_job(struct store *s, struct job *j)
{
	int failed;

	db_forgive(s->db);
	db_note_job(s->db);
	failed =
	    db_run(s->db, &j->err, "SAVEPOINT job", "") || j->run(s->db, j->arg, &j->err);
	failed = db_failed(s->db, &j->err) || failed;
	if (failed && j->err.code == ERR_OK)
		err_set(&j->err, ERR_FAILED, _("the change was not made"));
	if ((failed && db_run(s->db, NULL, "ROLLBACK TO job", "")) ||
	    db_run(s->db, failed ? NULL : &j->err, "RELEASE job", "")) {
		db_rollback(s->db);
		return -1;
	}
	return 0;
}

/* Runs jobs in one transaction, up to the one that ended it; the result is the first job that was not run. */
static struct job *
run_jobs(struct store *s, struct job *j, struct err *err)
{
	if (db_begin(s->db, err))
		return NULL;
	for (; j != NULL; j = j->next) {
		if (run_job(s, j)) {
			*err = j->err;
			return j->next;
		}
	}
	db_commit(s->db, err);
	return NULL;
}

/* Whoever was in a transaction that was lost is told so, and the others get another one. */
static void
commit_group(struct store *s, struct job *group)
{
	while (group != NULL) {
		struct err err = {0};
		struct job *rest = run_jobs(s, group, &err), *j;

		if (err.code != ERR_OK)
			log_error("%s", err.text);
		while ((j = group) != rest) {
			group = j->next;
			j->done(j->arg, err.code != ERR_OK ? &err : &j->err);
			free(j);
		}
	}
}

static void *
writer(void *arg)
{
	struct store *s = arg;
	struct job *group;

	while ((group = take_jobs(s)) != NULL)
		commit_group(s, group);
	return NULL;
}

int
store_open(struct store **out, const char *path, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int failed;

	*out = NULL;
	s->path = xstrdup(path);
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	failed = db_open(&s->db, path, true, err);
	if (!failed && tables_make(s->db, err))
		failed = err_in(err, "'%s'", path);
	if (!failed && pthread_create(&s->thread, NULL, writer, s) != 0)
		failed = err_set(err, ERR_FAILED, _("cannot start the writer thread"));
	if (failed) {
		db_close(s->db);
		free(s->path);
		free(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	while (s->free_readers > 0)
		db_close(s->readers[--s->free_readers]);
	db_close(s->db);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s->path);
	free(s);
}

const char *
store_path(const struct store *s)
{
	return s->path;
}

void
store_submit(struct store *s, int (*run)(struct db *db, void *arg, struct err *err),
    void (*done)(void *arg, const struct err *why), void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->run = run;
	j->done = done;
	j->arg = arg;
	pthread_mutex_lock(&s->lock);
	*s->last = j;
	s->last = &j->next;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

struct waiting {
	int (*run)(struct db *db, void *arg, struct err *err);
	void *arg;
	struct err *err;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
};

static int
waiting_run(struct db *db, void *arg, struct err *err)
{
	struct waiting *w = arg;

	return w->run(db, w->arg, err);
}

static void
waiting_done(void *arg, const struct err *why)
{
	struct waiting *w = arg;

	pthread_mutex_lock(&w->lock);
	*w->err = *why;
	w->done = true;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

int
store_run(struct store *s, int (*run)(struct db *db, void *arg, struct err *err),
    void *arg, struct err *err)
{
	struct waiting w = {.run = run,
	    .arg = arg,
	    .err = err,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .told = PTHREAD_COND_INITIALIZER};

	store_submit(s, waiting_run, waiting_done, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	return err->code != ERR_OK ? -1 : 0;
}

int
store_nothing(struct db *db, void *arg, struct err *err)
{
	(void)db;
	(void)arg;
	(void)err;
	return 0;
}

struct db *
store_reader(struct store *s, struct err *err)
{
	struct db *db = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->free_readers > 0)
		db = s->readers[--s->free_readers];
	pthread_mutex_unlock(&s->lock);
	if (db == NULL)
		db_open(&db, s->path, false, err);
	else
		db_forgive(db);
	return db;
}

void
store_reader_done(struct store *s, struct db *db)
{
	if (db == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->free_readers < READERS_KEPT) {
		s->readers[s->free_readers++] = db;
		db = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	db_close(db);
}
