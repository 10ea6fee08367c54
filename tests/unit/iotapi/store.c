/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The group commit tells the truth: what was said to be stored is there, the rest is not, whatever fails. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/store.h"

enum { JOBS = 40, LARGE = 30000 };

struct fixture {
	char dir[64], *path;
	struct store *store;
};

/* One that stores its number, `size` bytes beside it. */
struct job {
	int64_t number;
	int64_t size;
	int (*run)(struct db *db, void *arg, struct err *err);
	bool stored; /* as it was told */
	struct err why;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err err = {0};

	log_init("store", LOG_QUIET);
	snprintf(f->dir, sizeof(f->dir), "/tmp/iot-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = xasprintf("%s/db", f->dir);
	assert_int_equal(store_open(&f->store, f->path, &err), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *remove = xasprintf("rm -r %s", f->dir);

	store_close(f->store);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(f->path);
	free(f);
	return 0;
}

static int
insert(struct db *db, int64_t number, int64_t size, struct err *err)
{
	return db_run(db, err,
	    "INSERT INTO setting (name, value) VALUES (?1, hex(zeroblob(?2)))", "ii",
	    number, size / 2);
}

static int
store_one(struct db *db, void *arg, struct err *err)
{
	struct job *j = arg;

	return insert(db, j->number, j->size, err);
}

/* Two rows; that the first failed is overlooked. */
static int
overlook(struct db *db, void *arg, struct err *err)
{
	struct job *j = arg;

	insert(db, -j->number, j->size, NULL);
	return insert(db, j->number, 0, err);
}

/* What SQLite does by itself when a disk fails, and a job that goes on. */
static int
lose(struct db *db, void *arg, struct err *err)
{
	struct job *j = arg;

	db_run(db, NULL, "ROLLBACK", "");
	return insert(db, j->number, 0, err);
}

/* Its answer is what it did not find. */
static int
read_no(struct db *db, void *arg, struct err *err)
{
	struct job *j = arg;

	if (db_number(db, 0, "SELECT 1 FROM no_such_table", "") == 0)
		return insert(db, j->number, 0, err);
	return 0;
}

static int
refuse(struct db *db, void *arg, struct err *err)
{
	struct job *j = arg;

	if (insert(db, j->number, j->size, err))
		return -1;
	return err_set(err, ERR_REFUSED, "400");
}

static void
done(void *arg, const struct err *why)
{
	struct job *j = arg;

	j->why = *why;
	j->stored = why->code == ERR_OK;
}

/* The writer waits here until all jobs of a group are queued. */
static int
hold(struct db *db, void *arg, struct err *err)
{
	(void)db;
	(void)err;
	pthread_barrier_wait(arg);
	return 0;
}

static void
nothing(void *arg, const struct err *why)
{
	(void)arg;
	(void)why;
}

static int
set_limit(struct db *db, void *arg, struct err *err)
{
	char *sql = xasprintf("PRAGMA max_page_count = %lld",
	    (long long)(db_number(db, 0, "PRAGMA page_count", "") + *(int64_t *)arg));
	int failed = db_run(db, err, sql, "");

	free(sql);
	return failed;
}

/* Runs the jobs as one group with room for so many pages; checks that each was told what happened. */
static void
run_group(struct fixture *f, struct job *jobs, size_t n, int64_t pages)
{
	int64_t ample = 1000000;
	pthread_barrier_t together;
	struct err err = {0};
	struct db *db;
	size_t i;

	assert_int_equal(store_run(f->store, set_limit, &pages, &err), 0);
	pthread_barrier_init(&together, NULL, 2);
	store_submit(f->store, hold, nothing, &together);
	for (i = 0; i < n; i++)
		store_submit(f->store, jobs[i].run, done, &jobs[i]);
	pthread_barrier_wait(&together);
	assert_int_equal(store_run(f->store, set_limit, &ample, &err), 0);
	pthread_barrier_destroy(&together);
	db = store_reader(f->store, &err);
	for (i = 0; i < n; i++) {
		int64_t rows = db_number(db, -1,
		    "SELECT count(*) FROM setting WHERE name IN (?1, -?1)", "i",
		    jobs[i].number);

		if (rows != jobs[i].stored * (jobs[i].run == overlook ? 2 : 1))
			fail_msg("%d pages, job %d: told %d, %d rows", (int)pages, (int)i,
			    jobs[i].stored, (int)rows);
	}
	store_reader_done(f->store, db);
}

static int64_t next_number = 1;

static void
a_full_disk_is_told_to_those_it_met(void **state)
{
	struct fixture *f = *state;
	int64_t pages;
	size_t i, stored, full;

	for (pages = 0; pages <= 120; pages += 10) {
		struct job jobs[JOBS];

		for (i = 0, stored = 0, full = 0; i < JOBS; i++)
			jobs[i] = (struct job){.number = next_number++,
			    .size = i % 3 == 1 ? LARGE : 100,
			    .run = i % 5 == 4 ? refuse
				: i % 7 == 6  ? overlook
					      : store_one};
		run_group(f, jobs, JOBS, pages);
		for (i = 0; i < JOBS; i++) {
			stored += jobs[i].stored;
			full += jobs[i].why.code == ERR_OUTPUT;
		}
		/* Control: the limit was met on the way, and by itself it recovers. */
		if (pages >= 20 && pages <= 60)
			assert_true(stored > 0 && full > 0);
	}
	assert_int_equal(full, 0);
}

static void
a_lost_transaction_is_told_to_all_in_it(void **state)
{
	struct job jobs[5];
	size_t i;

	for (i = 0; i < 5; i++)
		jobs[i] = (struct job){
		    .number = next_number++, .run = i == 2 ? lose : store_one};
	run_group(*state, jobs, 5, 1000);
	assert_false(jobs[0].stored || jobs[1].stored || jobs[2].stored);
	assert_string_equal(
	    jobs[0].why.text, "database: the transaction was ended by a failure");
	assert_true(jobs[3].stored && jobs[4].stored);
}

static void
an_overlooked_error_is_no_answer(void **state)
{
	struct job jobs[3];
	size_t i;

	for (i = 0; i < 3; i++)
		jobs[i] = (struct job){
		    .number = next_number++, .run = i == 1 ? read_no : store_one};
	run_group(*state, jobs, 3, 1000);
	assert_true(jobs[0].stored && jobs[2].stored);
	assert_false(jobs[1].stored);
	assert_non_null(strstr(jobs[1].why.text, "no such table"));
}

static void
what_takes_too_long_is_ended(void **state)
{
	const struct fixture *f = *state;
	struct err err = {0};
	struct db *db = store_reader(f->store, &err);

	assert_non_null(db);
	db_set_deadline(db, clock_ms() + 50);
	db_number(db, 0,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
	    "1000000000) SELECT count(*) FROM n",
	    "");
	assert_int_equal(db_failed(db, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	db_set_deadline(db, 0);
	db_forgive(db);
	assert_int_equal(db_number(db, 0, "SELECT 7", ""), 7);
	assert_int_equal(db_failed(db, &err), 0);
	store_reader_done(f->store, db);
}

/* Each of many texts is prepared once more than there is room for, while the first is being read. */
static void
a_list_is_read_beside_any_number_of_statements(void **state)
{
	const struct fixture *f = *state;
	struct err err = {0};
	struct db *db = store_reader(f->store, &err);
	sqlite3_stmt *list;
	char sql[32];
	int i;

	list = db_query(db, &err, "SELECT 1 UNION ALL SELECT 2", "");
	assert_int_equal(db_step(db, list, &err), 1);
	for (i = 0; i < 1000; i++) {
		snprintf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(db_number(db, -1, sql, ""), i);
	}
	assert_int_equal(db_step(db, list, &err), 1);
	assert_int_equal(sqlite3_column_int(list, 0), 2);
	sqlite3_reset(list);
	store_reader_done(f->store, db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_disk_is_told_to_those_it_met),
	    cmocka_unit_test(a_lost_transaction_is_told_to_all_in_it),
	    cmocka_unit_test(an_overlooked_error_is_no_answer),
	    cmocka_unit_test(what_takes_too_long_is_ended),
	    cmocka_unit_test(a_list_is_read_beside_any_number_of_statements),
	};

	return cmocka_run_group_tests_name("store", tests, setup, teardown);
}
