/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"
#include "iotstatus/watch/screen.h"
#include "iotstatus/watch/watch_keys.h"
#include "iotstatus/watch/watch_model.h"

static const int64_t second = 1000000;

static struct device_seen *
hear(struct device_table *f, const char *id, enum view view, enum presence state,
    int64_t seen)
{
	struct device *d = device_table_get(f, span_of(id));

	d->reported[view] =
	    (struct device_seen){.known = true, .state = state, .seen = seen};
	return &d->reported[view];
}

static void
first_words_are_no_changes(void **state)
{
	struct device_table f = {0};
	struct watch_model m = {.fleet = &f};

	(void)state;
	hear(&f, "A", VIEW_SOURCE, PRESENCE_ONLINE, 0);
	hear(&f, "B", VIEW_SOURCE, PRESENCE_NEVER, 0);
	watch_model_count(&m, 10 * second);
	assert_int_equal(m.change_count, 0);
	assert_int_equal(m.counts.n[PRESENCE_ONLINE], 1);
	/* What a broker kept about B is the past. */
	watch_model_forget(&m, 1);
	hear(&f, "B", VIEW_OTHER, PRESENCE_OFFLINE, 0)->since = 5 * second;
	watch_model_count(&m, 11 * second);
	assert_int_equal(m.change_count, 0);
	assert_int_equal(watch_model_since(&m, 1), 5 * second);
	hear(&f, "B", VIEW_OTHER, PRESENCE_ONLINE, 0);
	hear(&f, "C", VIEW_OTHER, PRESENCE_ONLINE, 0);
	watch_model_count(&m, 12 * second);
	assert_int_equal(m.change_count, 1);
	assert_int_equal(m.changes[0].device, 1);
	assert_int_equal(m.changes[0].from, PRESENCE_OFFLINE);
	assert_int_equal(m.changes[0].to, PRESENCE_ONLINE);
	assert_int_equal(watch_model_since(&m, 1), 12 * second);
	assert_int_equal(m.counts.n[PRESENCE_ONLINE], 3);
	watch_model_release(&m);
	device_table_release(&f);
}

static void
a_brokers_word_counts_before_the_databases(void **state)
{
	struct device_table f = {0};
	struct watch_model m = {.fleet = &f, .max_age = 60 * second};

	(void)state;
	hear(&f, "A", VIEW_SOURCE, PRESENCE_ONLINE, 100 * second);
	hear(&f, "A", VIEW_OTHER, PRESENCE_OFFLINE, 100 * second);
	assert_int_equal(watch_model_state(&m, &f.v[0], 101 * second), PRESENCE_OFFLINE);
	hear(&f, "A", VIEW_OTHER, PRESENCE_ONLINE, 0);
	/* The younger of both signs of life. */
	assert_int_equal(watch_model_state(&m, &f.v[0], 160 * second), PRESENCE_ONLINE);
	assert_int_equal(watch_model_state(&m, &f.v[0], 161 * second), PRESENCE_STALE);
	/* One from the future hides no other, and is none. */
	hear(&f, "A", VIEW_OTHER, PRESENCE_ONLINE, 4000 * second);
	assert_int_equal(watch_model_state(&m, &f.v[0], 160 * second), PRESENCE_ONLINE);
	assert_int_equal(watch_model_state(&m, &f.v[0], 161 * second), PRESENCE_STALE);
	device_table_release(&f);
}

static void
who_is_deleted_leaves_the_list(void **state)
{
	struct device_table f = {0};
	struct watch_model m = {.fleet = &f, .listed = true};

	(void)state;
	hear(&f, "A", VIEW_SOURCE, PRESENCE_OFFLINE, 0);
	f.v[0].listed = true;
	watch_model_count(&m, 10 * second);
	assert_int_equal(m.shown[0], PRESENCE_OFFLINE);
	f.v[0].listed = false;
	watch_model_count(&m, 11 * second);
	assert_int_equal(m.counts.total, 0);
	assert_int_equal(m.shown[0], PRESENCES);
	f.v[0].listed = true;
	watch_model_count(&m, 12 * second);
	assert_int_equal(m.change_count, 0);
	watch_model_release(&m);
	device_table_release(&f);
}

static void
rates_are_of_whole_seconds(void **state)
{
	struct device_table f = {0};
	struct watch_model m = {.fleet = &f};
	int i;

	(void)state;
	m.traffic[TRAFFIC_DATA][0] = 30;
	assert_true(watch_model_rate(&m, TRAFFIC_DATA) == 0);
	watch_model_tick(&m, true);
	assert_true(watch_model_rate(&m, TRAFFIC_DATA) == 30);
	for (i = 0; i < 3; i++)
		watch_model_tick(&m, true);
	assert_true(watch_model_rate(&m, TRAFFIC_DATA) == 7.5);
	watch_model_tick(&m, true);
	assert_true(watch_model_rate(&m, TRAFFIC_DATA) == 0);
	assert_int_equal(m.samples, 5);
	watch_model_tick(&m, false);
	assert_int_equal(m.samples, 5);
}

static void
keys_do_what_they_say(void **state)
{
	static const struct {
		const char *bytes;
		int top;
		enum sort sort;
		const char *filter;
		bool typing, quit;
	} rows[] = {
	    {"\033[B\033[B", 2, SORT_OFFLINE, "", false, false},
	    {"\033[B\033[A\033[A", 0, SORT_OFFLINE, "", false, false},
	    {"\033[6~", 10, SORT_OFFLINE, "", false, false},
	    {"\033[F", 90, SORT_OFFLINE, "", false, false},
	    {"\033[F\033[B\033[5~", 80, SORT_OFFLINE, "", false, false},
	    {"\033OB", 1, SORT_OFFLINE, "", false, false},
	    {"s", 0, SORT_CHANGED, "", false, false},
	    {"ssss", 0, SORT_OFFLINE, "", false, false},
	    {"\033[D", 0, SORT_STATE, "", false, false},
	    {"/qs", 0, SORT_OFFLINE, "qs", true, false},
	    {"/ab\177c\r", 0, SORT_OFFLINE, "ac", false, false},
	    {"/ab\033", 0, SORT_OFFLINE, "", false, false},
	    {"/ab\r\033", 0, SORT_OFFLINE, "", false, false},
	    {"/ab\025c", 0, SORT_OFFLINE, "c", true, false},
	    /* Arrows scroll what is being found. */
	    {"/ab\033[B", 1, SORT_OFFLINE, "ab", true, false},
	    {"/a\303\261\177", 0, SORT_OFFLINE, "a", true, false},
	    {"q", 0, SORT_OFFLINE, "", false, true},
	    /* Keys that mean nothing, whole and in part. */
	    {"\033[15~s", 0, SORT_CHANGED, "", false, false},
	    {"\033[1;5Cs", 0, SORT_CHANGED, "", false, false},
	    {"\033[", 0, SORT_OFFLINE, "", false, false},
	    {"x\003\377", 0, SORT_OFFLINE, "", false, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct watch_choice c = {.lines = 10, .count = 100};

		assert_true(watch_keys_take(&c, rows[i].bytes, strlen(rows[i].bytes)));
		if (c.top != rows[i].top || c.sort != rows[i].sort ||
		    strcmp(c.filter, rows[i].filter) != 0 || c.typing != rows[i].typing ||
		    c.quit != rows[i].quit)
			fail_msg("row %zu: top %d sort %d filter '%s' typing %d quit %d",
			    i, c.top, c.sort, c.filter, c.typing, c.quit);
	}
}

static void
a_filter_has_its_limit(void **state)
{
	struct watch_choice c = {0};
	int i;

	(void)state;
	watch_keys_take(&c, "/", 1);
	for (i = 0; i < 500; i++)
		watch_keys_take(&c, "x", 1);
	assert_int_equal(strlen(c.filter), sizeof(c.filter) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_words_are_no_changes),
	    cmocka_unit_test(a_brokers_word_counts_before_the_databases),
	    cmocka_unit_test(who_is_deleted_leaves_the_list),
	    cmocka_unit_test(rates_are_of_whole_seconds),
	    cmocka_unit_test(keys_do_what_they_say),
	    cmocka_unit_test(a_filter_has_its_limit),
	};

	return cmocka_run_group_tests_name("iotstatus watch", tests, NULL, NULL);
}
