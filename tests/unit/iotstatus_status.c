/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include "base/text.h"
#include "cmd/iotstatus/status.h"

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
	    {"@10:20", 21, false}, {"90%:", 89, true}, {"75%:90%", 80, false}};
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
	static const char *const cases[] = {"", "x", "10:x", "20:10", "@", "1:2:3"};
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
	return status_read(c, span_of(body), err);
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
	status_text(&b, &c);
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
	    status_judge(&c, &(struct range){0}, &(struct range){0}), STATE_UNKNOWN);
	status_json(&b, &c, STATE_UNKNOWN);
	assert_non_null(
	    strstr(buf_str(&b), "\"percentage_online\":null,\"state\":\"UNKNOWN\""));
	buf_release(&b);
}

static void
a_plugin_line_explains_itself(void **state)
{
	const struct counts c = {10, 6, 3, 1};
	struct range w, critical;
	struct err err = {0};
	struct buf b = {0};

	(void)state;
	range_parse(&w, "90:", "-w", &err);
	range_parse(&critical, "50:", "-c", &err);
	assert_int_equal(status_judge(&c, &w, &critical), STATE_WARNING);
	status_nagios(&b, &c, STATE_WARNING, &w, &critical, 0.0421);
	assert_string_equal(buf_str(&b),
	    "IOT WARNING - 6/10 devices online (60.00%), 3 offline, 1 error, wanted 90: "
	    "| "
	    "online_pct=60.00%;90:;50:;0;100 online=6;;;0;10 offline=3;;;0;10 "
	    "error=1;;;0;10 "
	    "time=0.042s\n");
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
	};

	return cmocka_run_group_tests_name("iotstatus", tests, NULL, NULL);
}
