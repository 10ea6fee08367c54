/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches are stored in their order, whatever becomes of those before them. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"
#include "iotapi/db/store.h"
#include "iotapi/mqtt/batch_queue.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool first_runs;
	bool second_waits; /* the second batch is with the writer */
	int runs;          /* of the first batch */
	struct loop *loop;
	size_t told;
	uint64_t stored;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Once the first batch is fine, but its COMMIT fails, with the second one behind it in another transaction. */
static int
put(struct db *db, const struct msg *m, size_t n, void *arg, struct err *err)
{
	(void)n;
	(void)arg;
	if (span_is(m->payload, "1") && t.runs++ == 0) {
		pthread_mutex_lock(&t.lock);
		t.first_runs = true;
		pthread_cond_broadcast(&t.changed);
		while (!t.second_waits)
			pthread_cond_wait(&t.changed, &t.lock);
		pthread_mutex_unlock(&t.lock);
		if (db_run(db, err, "PRAGMA defer_foreign_keys=ON", "") ||
		    db_run(db, err,
			"INSERT INTO token (handle, hash, person, kind, expires, "
			"created_at) VALUES ('h', '', 77, '', 0, '')",
			""))
			return -1;
	}
	return db_run(db, err,
	    "INSERT INTO reject (received_at, topic, error, detail, payload) VALUES ('', "
	    "'', '', '', ?1)",
	    "t", m->payload);
}

static void
stored(void *arg, uint64_t token)
{
	(void)arg;
	t.stored = token;
	if (token == 2)
		loop_stop(t.loop);
}

static void
failed(void *arg, size_t messages, const struct err *why)
{
	(void)arg;
	t.told += messages;
	assert_int_not_equal(why->code, ERR_OK);
}

static void
a_lost_transaction_does_not_change_the_order(void **state)
{
	char dir[] = "/tmp/iot-batch-queue.XXXXXX";
	struct msg m = {.payload = SPAN("1"), .qos = 1};
	struct batch_queue *q;
	struct store *store;
	struct err err = {0};
	char *path, *remove;
	struct db *db;

	(void)state;
	log_init("batch_queue", LOG_QUIET);
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/db", dir);
	assert_int_equal(store_open(&store, path, &err), 0);
	t.loop = loop_new(&err);
	q = batch_queue_new(&(struct batch_queue_opts){.loop = t.loop,
	    .store = store,
	    .put = put,
	    .stored = stored,
	    .failed = failed});
	batch_queue_put(q, &m, 1, 1);
	pthread_mutex_lock(&t.lock);
	while (!t.first_runs)
		pthread_cond_wait(&t.changed, &t.lock);
	m.payload = SPAN("2");
	batch_queue_put(q, &m, 1, 2);
	t.second_waits = true;
	pthread_cond_broadcast(&t.changed);
	pthread_mutex_unlock(&t.lock);
	assert_int_equal(loop_run(t.loop, &err), 0);
	assert_int_equal(t.runs, 2);
	assert_int_equal(t.told, 2);
	assert_true(batch_queue_is_empty(q));
	db = store_reader(store, &err);
	assert_int_equal(
	    db_number(db, 0,
		"SELECT CAST(group_concat(payload, '') AS INTEGER) FROM reject", ""),
	    12);
	store_reader_done(store, db);
	batch_queue_free(q);
	loop_free(t.loop);
	store_close(store);
	remove = xasprintf("rm -r %s", dir);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lost_transaction_does_not_change_the_order),
	};

	return cmocka_run_group_tests_name("batch_queue", tests, NULL, NULL);
}
