/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What --verify counts, and what --fault does. */
#include "base/strv.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>

#include "iotpub/sim/fault.h"
#include "iotpub/values/model.h"
#include "iotpub/sim/latency.h"

static void
each_message_counts_once(void **state)
{
	struct latency t;
	uint64_t i;

	(void)state;
	latency_init(&t, 2);
	t.sent = 2000;
	for (i = 1000; i > 0; i--)
		latency_take(&t, 0, i, 10);
	latency_take(&t, 1, 1000, 10);
	assert_int_equal(t.received, 1001);
	assert_int_equal(latency_lost(&t), 999);
	assert_int_equal(t.duplicated, 0);
	latency_take(&t, 1, 1000, 10);
	latency_take(&t, 0, 1, 10);
	assert_int_equal(t.received, 1001);
	assert_int_equal(t.duplicated, 2);
	/* What is none of its messages changes nothing. */
	latency_take(&t, 0, 0, 10);
	latency_take(&t, 2, 1, 10);
	latency_take(&t, 0, UINT64_MAX, 10);
	assert_int_equal(t.received, 1001);
	latency_release(&t);
}

static void
delays_are_known_within_three_percent(void **state)
{
	struct latency t;
	uint64_t i;

	(void)state;
	latency_init(&t, 1);
	assert_int_equal(latency_delay(&t, 0.5), 0);
	for (i = 1; i <= 100000; i++)
		latency_take(&t, 0, i, (int64_t)i);
	assert_true(fabs((double)latency_delay(&t, 0.5) - 50000) <= 1600);
	assert_true(fabs((double)latency_delay(&t, 0.99) - 99000) <= 3100);
	latency_release(&t);
	latency_init(&t, 1);
	latency_take(&t, 0, 1, -5);
	latency_take(&t, 0, 2, 31);
	assert_int_equal(latency_delay(&t, 0.5), 0);
	assert_int_equal(latency_delay(&t, 1), 31);
	latency_take(&t, 0, 3, INT64_MAX);
	assert_true(latency_delay(&t, 1) > INT64_MAX / 2);
	latency_release(&t);
}

static void
rows_double(void **state)
{
	static const int64_t us[] = {-5, 999, 1000, 1999, 2000, 3999, 4000, 511999,
	    512000, 1023999, 1024000, INT64_MAX};
	static const uint64_t rows[LATENCY_ROWS] = {2, 2, 2, 1, 0, 0, 0, 0, 0, 1, 2, 2};
	struct latency t;
	struct buf text = {0};
	size_t i;

	(void)state;
	latency_init(&t, 1);
	for (i = 0; i < sizeof(us) / sizeof(us[0]); i++)
		latency_take(&t, 0, i + 1, us[i]);
	assert_memory_equal(t.rows, rows, sizeof(rows));
	latency_put_rows(&text, &t);
	assert_non_null(
	    strstr(buf_str(&text), " <    1 ms          2  16.7 % ########\n"));
	assert_non_null(strstr(buf_str(&text), " <   16 ms          0   0.0 %\n"));
	assert_non_null(
	    strstr(buf_str(&text), "\n>= 1024 ms          2  16.7 % ########\n"));
	buf_release(&text);
	latency_release(&t);
}

static void
faults_strike_at_their_rate(void **state)
{
	struct strv words = {0};
	struct faults f = {0};
	struct err err = {0};
	struct buf b = {0};
	uint64_t random = model_random_start(3, 0);
	int i;

	(void)state;
	strv_add(&words, "drop=0.25");
	strv_add(&words, "wrong-id=1");
	assert_int_equal(faults_parse(&f, &words, &err), 0);
	for (i = 0; i < 10000; i++)
		fault_strikes(&f, FAULT_DROP, &random);
	assert_true(f.count[FAULT_DROP] > 2350 && f.count[FAULT_DROP] < 2650);
	assert_false(fault_strikes(&f, FAULT_FLAP, &random));
	assert_true(fault_strikes(&f, FAULT_WRONG_ID, &random));
	f.count[FAULT_DROP] = 7;
	faults_put(&b, &f);
	assert_string_equal(buf_str(&b), "drop 7, wrong-id 1");
	strv_release(&words);
	buf_release(&b);
}

static void
bad_faults_are_refused(void **state)
{
	static const char *const bad[] = {
	    "drip=0.1", "drop", "drop=", "drop=2", "drop=-1", "drop=x", "dropx=1"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct strv words = {0};
		struct faults f = {0};
		struct err err = {0};

		strv_add(&words, bad[i]);
		assert_int_equal(faults_parse(&f, &words, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		strv_release(&words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_message_counts_once),
	    cmocka_unit_test(delays_are_known_within_three_percent),
	    cmocka_unit_test(rows_double),
	    cmocka_unit_test(faults_strike_at_their_rate),
	    cmocka_unit_test(bad_faults_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
