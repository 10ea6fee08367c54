/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strv.h"
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"
#include "iotstatus/print/print.h"
#include "iotstatus/source/source.h"

static void
ranges_alert_as_the_guidelines_say(void **state)
{
	static const struct {
		const char *range;
		double value;
		bool alerts;
	} cases[] = {{"10", 5, false}, {"10", -1, true}, {"10", 11, true},
	    {"10:", 9, true}, {"10:", 10, false}, {"~:10", 11, true}, {"~:10", -5, false},
	    {"10:20", 9.99, true}, {"10:20", 15, false}, {"@10:20", 15, true},
	    {"@10:20", 21, false}, {"90%:", 89, true}, {"75%:90%", 80, false},
	    {"@~:10", -5, true}, {"@~:10", 10.01, false}, {"~:", 1e9, false},
	    {":20", 20.01, true}, {":20", -1, true}, {"10:", 9.999, true},
	    {"-5:5", -5, false}, {"80.5:", 80.49, true}, {"10:20", 20, false},
	    {"@10:20", 10, true}, {"10%", 10.01, true}};
	struct err err = {0};
	struct range r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(range_parse(&r, cases[i].range, "-w", &err), 0);
		if (range_alerts(&r, cases[i].value) != cases[i].alerts)
			fail_msg("%s of %g: wanted %d", cases[i].range, cases[i].value,
			    cases[i].alerts);
	}
	assert_false(range_alerts(&(struct range){0}, 0));
}

static void
wrong_ranges_are_refused(void **state)
{
	static const char *const cases[] = {"", "x", "10:x", "20:10", "@", "1:2:3", "%",
	    "%:", "10:~", "~", "10 :20", "nan:", "inf", "@@1", "1,5:"};
	struct err err = {0};
	struct range r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (range_parse(&r, cases[i], "-w", &err) == 0)
			fail_msg("wanted '%s' refused", cases[i]);
	}
}

static void
a_looser_critical_is_seen(void **state)
{
	struct range w, c;
	struct err err = {0};

	(void)state;
	range_parse(&w, "90:", "-w", &err);
	range_parse(&c, "75:", "-c", &err);
	assert_true(range_covers(&w, &c));
	assert_false(range_covers(&c, &w));
	assert_true(range_covers(&w, &(struct range){0}));
}

static int
read_status(const char *body, struct counts *c, struct err *err)
{
	*err = (struct err){0};
	return verdict_read(c, span_of(body), err);
}

static void
the_guides_answer_is_read(void **state)
{
	struct counts c;
	struct err err;
	struct buf b = {0};

	(void)state;
	assert_int_equal(
	    read_status("{\"total_mqtt_devices\": 10, \"online\": 8, \"offline\": 2, "
			"\"error\": 0, \"percentage_online\": 80.0}",
		&c, &err),
	    0);
	print_text(&b, &(struct report){.counts = c, .recovered = -1});
	assert_string_equal(buf_str(&b), "8/10 devices online (80.00%)\n");
	buf_release(&b);
}

static void
answers_that_cannot_be_right_are_refused(void **state)
{
	static const char *const cases[] = {"", "[]", "<html>", "{}",
	    "{\"total_mqtt_devices\":10,\"online\":8,\"offline\":1,\"error\":0}",
	    "{\"total_mqtt_devices\":\"x\",\"online\":8,\"offline\":2,\"error\":0}",
	    "{\"total_mqtt_devices\":-1,\"online\":0,\"offline\":-1,\"error\":0}",
	    "{\"total_mqtt_devices\":1.5,\"online\":1.5,\"offline\":0,\"error\":0}"};
	struct counts c;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_status(cases[i], &c, &err), -1);
		assert_int_equal(err.code, ERR_PROTOCOL);
	}
}

static void
an_empty_fleet_has_no_percentage(void **state)
{
	struct counts c;
	struct err err;
	struct buf b = {0};

	(void)state;
	assert_int_equal(
	    read_status("{\"total_mqtt_devices\":0,\"online\":0,\"offline\":0,"
			"\"error\":0,\"percentage_online\":0}",
		&c, &err),
	    0);
	assert_int_equal(
	    verdict_judge(&c, &(struct threshold){0}, STATE_UNKNOWN), STATE_UNKNOWN);
	print_json(
	    &b, &(struct report){.counts = c, .state = STATE_UNKNOWN, .recovered = -1});
	assert_non_null(
	    strstr(buf_str(&b), "\"percentage_online\":null,\"state\":\"UNKNOWN\""));
	buf_release(&b);
}

static void
a_plugin_line_explains_itself(void **state)
{
	struct report r = {
	    .counts = {10, {6, 3, 1}, false}, .seconds = 0.0421, .recovered = -1};
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	range_parse(&r.limit.warning, "90:", "-w", &err);
	range_parse(&r.limit.critical, "50:", "-c", &err);
	verdict_judge_report(&r, STATE_UNKNOWN);
	assert_int_equal(r.state, STATE_WARNING);
	print_nagios(&b, &r);
	assert_string_equal(buf_str(&b),
	    "IOT WARNING - 6/10 devices online (60.00%), 3 offline, 1 error, wanted 90: "
	    "| online_pct=60.00%;90:;50:;0;100 online=6;;;0;10 offline=3;;;0;10 "
	    "error=1;;;0;10 time=0.042s\n");
	buf_release(&b);
}

/* What is shown is what is judged, and neither 100 nor 0 is reached by rounding. */
static void
the_percentage_is_rounded_with_care(void **state)
{
	static const struct {
		long online, total;
		const char *shown, *range;
		enum state state;
	} rows[] = {{1, 3, "33.33", "33.33:", STATE_OK},
	    {1, 3, "33.33", "33.34:", STATE_CRITICAL},
	    {2, 3, "66.67", "66.67:", STATE_OK},
	    {2, 3, "66.67", "66.68:", STATE_CRITICAL}, {8, 10, "80.00", "80:", STATE_OK},
	    {8, 10, "80.00", "80.01:", STATE_CRITICAL},
	    {8, 10, "80.00", "@80:90", STATE_CRITICAL},
	    {8, 10, "80.00", "~:80", STATE_OK},
	    {8, 10, "80.00", "~:79.99", STATE_CRITICAL},
	    {99999, 100000, "99.99", "100:", STATE_CRITICAL},
	    {100000, 100000, "100.00", "100:", STATE_OK},
	    {1, 100000, "0.01", "@0", STATE_OK},
	    {0, 100000, "0.00", "@0", STATE_CRITICAL},
	    {0, 1, "0.00", "1:", STATE_CRITICAL}, {1, 1, "100.00", "100", STATE_OK}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct counts c = {.total = rows[i].total, .n = {rows[i].online}};
		struct threshold l = {0};
		struct err err = {0};
		char text[32];

		assert_int_equal(range_parse(&l.critical, rows[i].range, "-c", &err), 0);
		snprintf(text, sizeof(text), "%.2f", verdict_percent(&c));
		assert_string_equal(text, rows[i].shown);
		if (verdict_judge(&c, &l, STATE_UNKNOWN) != rows[i].state)
			fail_msg("%ld/%ld of '%s': wanted %s", rows[i].online,
			    rows[i].total, rows[i].range,
			    verdict_state_names[rows[i].state]);
	}
}

static void
thresholds_of_a_group_are_its_own(void **state)
{
	char *warning[] = {"90:", "esp32=80:"}, *critical[] = {"75:", "a=b=60:"};
	char *loose[] = {"esp32=85:"};
	struct thresholds l = {0};
	struct threshold found;
	struct err err = {0};

	(void)state;
	assert_int_equal(threshold_read(&l, &(struct strv){warning, 2},
			     &(struct strv){critical, 2}, &err),
	    0);
	found = threshold_of(&l, "esp32");
	assert_string_equal(found.warning.text, "80:");
	assert_string_equal(found.critical.text, "75:");
	found = threshold_of(&l, "a=b");
	assert_string_equal(found.critical.text, "60:");
	found = threshold_of(&l, "other");
	assert_string_equal(found.warning.text, "90:");
	threshold_release(&l);
	assert_int_equal(threshold_read(&l, &(struct strv){warning, 2},
			     &(struct strv){loose, 1}, &err),
	    -1);
	assert_non_null(
	    strstr(err.text, "--critical '85:' is looser than --warning '80:'"));
	threshold_release(&l);
}

static struct device *
add(struct device_table *f, const char *id, enum presence state, int64_t seen)
{
	struct device *d = device_table_get(f, span_of(id));

	d->listed = true;
	d->reported[VIEW_SOURCE] =
	    (struct device_seen){.known = true, .state = state, .seen = seen};
	return d;
}

static void
stale_and_never_are_kept_apart(void **state)
{
	struct device_table f = {0};
	struct counts c;

	(void)state;
	add(&f, "A", PRESENCE_ONLINE, 100);
	add(&f, "B", PRESENCE_ONLINE, 99);
	add(&f, "C", PRESENCE_ONLINE, 0);
	add(&f, "D", PRESENCE_OFFLINE, 0);
	add(&f, "E", PRESENCE_NEVER, 0);
	/* A clock that is ahead by more than the age says nothing. */
	add(&f, "F", PRESENCE_ONLINE, 1900);
	add(&f, "G", PRESENCE_ONLINE, 1901);
	device_table_get(&f, SPAN("unlisted"))->reported[VIEW_OTHER].known = true;
	device_table_age(&f, VIEW_SOURCE, 1000, 900);
	device_table_count(&f, VIEW_SOURCE, true, -1, &c);
	assert_int_equal(c.total, 7);
	assert_int_equal(c.n[PRESENCE_ONLINE], 2);
	assert_int_equal(c.n[PRESENCE_STALE], 3);
	assert_int_equal(c.n[PRESENCE_NEVER], 1);
	device_table_count(&f, VIEW_OTHER, true, -1, &c);
	assert_int_equal(c.n[PRESENCE_NEVER], 7);
	device_table_release(&f);
}

static void
a_brokers_names_are_joined(void **state)
{
	struct device_table f = {0};
	const struct device_seen on = {.known = true, .state = PRESENCE_ONLINE};

	(void)state;
	/* The broker may speak first. */
	device_table_get(&f, SPAN("client-a"))->reported[VIEW_OTHER] = on;
	device_table_get(&f, SPAN("device_B"))->reported[VIEW_OTHER] = on;
	add(&f, "A", PRESENCE_ONLINE, 0)->alias = strdup("client-a");
	add(&f, "B", PRESENCE_ONLINE, 0);
	add(&f, "C", PRESENCE_ONLINE, 0);
	add(&f, "D", PRESENCE_STALE, 0);
	device_table_join(&f);
	assert_false(device_table_is_disputed(device_table_find(&f, SPAN("A"))));
	assert_false(device_table_is_disputed(device_table_find(&f, SPAN("B"))));
	assert_true(device_table_is_disputed(device_table_find(&f, SPAN("C"))));
	assert_false(device_table_is_disputed(device_table_find(&f, SPAN("D"))));
	assert_false(device_table_find(&f, SPAN("client-a"))->reported[VIEW_OTHER].known);
	device_table_release(&f);
}

static void
many_devices_are_found_again(void **state)
{
	struct device_table f = {0};
	char id[16];
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "D%d", i % 10000);
		device_table_get(&f, span_of(id));
	}
	assert_int_equal(f.n, 10000);
	assert_string_equal(device_table_find(&f, SPAN("D9999"))->id, "D9999");
	assert_null(device_table_find(&f, SPAN("D10000")));
	device_table_release(&f);
}

static void
status_messages_are_read(void **state)
{
	static const int64_t now = 1760000100000000;
	static const struct {
		const char *payload;
		bool live, good;
		enum presence state;
		int64_t since, seen;
	} rows[] = {{"{\"status\":\"connected\",\"timestamp\":1760000000}", false, true,
			PRESENCE_ONLINE, 1760000000000000, 1760000000000000},
	    {"{\"status\":\"connected\",\"timestamp\":1760000000000}", false, true,
		PRESENCE_ONLINE, 1760000000000000, 1760000000000000},
	    /* millis() are no date, and retained is no proof of life. */
	    {"{\"status\":\"connected\",\"timestamp\":123456}", false, true,
		PRESENCE_ONLINE, 0, 0},
	    {"{\"status\":\"connected\"}", true, true, PRESENCE_ONLINE, now, now},
	    {"{\"status\":\"disconnected\"}", false, true, PRESENCE_OFFLINE, 0, 0},
	    {"{\"status\":\"error\"}", false, true, PRESENCE_ERROR, 0, 0},
	    {"{\"status\":\"on\"}", false, false, 0, 0, 0},
	    {"connected", false, false, 0, 0, 0},
	    {"{\"status\":\"connected\"", false, false, 0, 0, 0},
	    {"[]", false, false, 0, 0, 0}};
	struct device_seen s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		bool good =
		    source_message_read(span_of(rows[i].payload), rows[i].live, now, &s);

		if (good != rows[i].good ||
		    (good &&
			(s.state != rows[i].state || s.since != rows[i].since ||
			    s.seen != rows[i].seen)))
			fail_msg("'%s': got %d, state %d since %ld seen %ld",
			    rows[i].payload, good, s.state, (long)s.since, (long)s.seen);
	}
}

static void
metrics_escape_their_labels(void **state)
{
	struct group g = {
	    .name = "a\"b\\c\n\x1b[1m\xc2\x9bñ\xff", .counts = {2, {1, 1}, true}};
	struct report r = {.counts = {2, {1, 1}, true},
	    .by = "tipo",
	    .groups = &g,
	    .group_count = 1,
	    .recovered = -1};
	struct buf b = {0};

	(void)state;
	print_prometheus(&b, &r, 1760000000);
	assert_non_null(strstr(buf_str(&b),
	    "iot_devices{tipo=\"a\\\"b\\\\c\\n\\\\x1b[1m\\\\xc2\\\\x9bñ\\\\xff\","
	    "state=\"online\"} 1\n"));
	assert_non_null(strstr(buf_str(&b), "iot_status_scrape_success 1\n"));
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges_alert_as_the_guidelines_say),
	    cmocka_unit_test(wrong_ranges_are_refused),
	    cmocka_unit_test(a_looser_critical_is_seen),
	    cmocka_unit_test(the_guides_answer_is_read),
	    cmocka_unit_test(answers_that_cannot_be_right_are_refused),
	    cmocka_unit_test(an_empty_fleet_has_no_percentage),
	    cmocka_unit_test(a_plugin_line_explains_itself),
	    cmocka_unit_test(the_percentage_is_rounded_with_care),
	    cmocka_unit_test(thresholds_of_a_group_are_its_own),
	    cmocka_unit_test(stale_and_never_are_kept_apart),
	    cmocka_unit_test(a_brokers_names_are_joined),
	    cmocka_unit_test(many_devices_are_found_again),
	    cmocka_unit_test(status_messages_are_read),
	    cmocka_unit_test(metrics_escape_their_labels),
	};

	return cmocka_run_group_tests_name("iotstatus", tests, NULL, NULL);
}
