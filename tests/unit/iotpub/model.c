/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the values of iotpub's sensors are distributed, with fixed seeds. */
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "iotpub/values/model.h"

enum { MANY = 20000 };

/* What `count` draws came to, a minute apart. */
struct sample {
	double v[MANY];
	double mean, sd, least, most;
};

static void
describe(struct sample *s, size_t n)
{
	double sum = 0, squares = 0;
	size_t i;

	s->least = s->most = s->v[0];
	for (i = 0; i < n; i++) {
		sum += s->v[i];
		s->least = fmin(s->least, s->v[i]);
		s->most = fmax(s->most, s->v[i]);
	}
	s->mean = sum / (double)n;
	for (i = 0; i < n; i++)
		squares += (s->v[i] - s->mean) * (s->v[i] - s->mean);
	s->sd = sqrt(squares / (double)n);
}

static struct sample *
draw_many(const char *text, size_t n)
{
	static struct sample s;
	struct model m;
	struct err err = {0};
	struct buf b = {0};
	uint64_t random = model_random_start(7, 0);
	double walk = NAN;
	struct draw draw = {.random = &random};
	char *end;

	assert_int_equal(model_parse(&m, "a", text, &err), 0);
	for (; draw.number < n; draw.number++, draw.at += 60000) {
		buf_clear(&b);
		model_put(&m, &b, &draw, &walk);
		s.v[draw.number] = strtod(buf_str(&b), &end);
		assert_string_equal(end, "");
	}
	model_release(&m);
	buf_release(&b);
	describe(&s, n);
	return &s;
}

static void
is_near(double wanted, double got, double within)
{
	if (!(fabs(wanted - got) <= within))
		fail_msg("wanted %g within %g, got %g", wanted, within, got);
}

static void
uniform_fills_its_range_evenly(void **state)
{
	const struct sample *s = draw_many("uniform:-2,2", MANY);
	size_t quarter[4] = {0}, i;

	(void)state;
	is_near(0, s->mean, 0.03);
	is_near(4 / sqrt(12), s->sd, 0.02);
	assert_true(s->least >= -2 && s->least < -1.99 && s->most <= 2 && s->most > 1.99);
	for (i = 0; i < MANY; i++)
		quarter[s->v[i] >= 2 ? 3 : (size_t)(s->v[i] + 2)]++;
	for (i = 0; i < 4; i++)
		is_near(MANY / 4, (double)quarter[i], MANY / 50);
}

static void
normal_has_its_mean_and_deviation(void **state)
{
	const struct sample *s = draw_many("normal:21,0.5", MANY);
	size_t within = 0, i;

	(void)state;
	is_near(21, s->mean, 0.02);
	is_near(0.5, s->sd, 0.02);
	for (i = 0; i < MANY; i++)
		within += fabs(s->v[i] - 21) <= 0.5;
	is_near(0.683, (double)within / (int)MANY, 0.02);
	s = draw_many("normal:5,0", 10);
	is_near(5, s->least, 0);
	is_near(5, s->most, 0);
}

static void
walks_go_by_steps_between_their_walls(void **state)
{
	const struct sample *s = draw_many("walk:50,1,40,60", MANY);
	size_t i;

	(void)state;
	is_near(50, s->v[0], 0);
	for (i = 1; i < MANY; i++)
		assert_true(fabs(s->v[i] - s->v[i - 1]) <= 1.0101);
	assert_true(s->least >= 40 && s->least < 42 && s->most <= 60 && s->most > 58);
	/* Without walls it gets further. */
	s = draw_many("walk:0,1", MANY);
	assert_true(s->most - s->least > 40);
}

static void
sines_come_back_each_period(void **state)
{
	const struct sample *s = draw_many("sine:15,25,1h", 121);

	(void)state;
	is_near(20, s->v[0], 0);
	is_near(25, s->v[15], 0);
	is_near(20, s->v[30], 0);
	is_near(15, s->v[45], 0);
	is_near(20, s->v[60], 0);
	is_near(25, s->v[75], 0);
}

static void
steps_change_at_half_a_period(void **state)
{
	const struct sample *s = draw_many("step:1,0,10m", 20);
	size_t i;

	(void)state;
	for (i = 0; i < 20; i++)
		is_near(i % 10 < 5, s->v[i], 0);
}

static void
counters_count(void **state)
{
	(void)state;
	is_near(9, draw_many("counter", 10)->v[9], 0);
	is_near(9, draw_many("counter:", 10)->v[9], 0);
	is_near(1002.25, draw_many("counter:1000,0.25", 10)->v[9], 0);
}

/* One draw of a counter that begins there. */
static void
shown_as(const char *text, const char *wanted)
{
	struct model m;
	struct err err = {0};
	struct buf b = {0};
	uint64_t random = 1;
	struct draw draw = {.random = &random};

	assert_int_equal(model_parse(&m, "a", text, &err), 0);
	model_put(&m, &b, &draw, NULL);
	assert_string_equal(buf_str(&b), wanted);
	model_release(&m);
	buf_release(&b);
}

static void
numbers_have_their_decimals(void **state)
{
	(void)state;
	shown_as("counter:0,1", "0");
	shown_as("counter:-7,1", "-7");
	shown_as("counter:21.50,1", "21.50");
	shown_as("counter:-0.05,1", "-0.05");
	shown_as("counter:0.000000001,1", "0.000000001");
	shown_as("counter:1234567.125,1", "1234567.125");
	shown_as("counter:1e20,1", "100000000000000000000");
	shown_as("counter:-9007199254740993,1", "-9007199254740992");
	shown_as("counter:99.999,0.5", "99.999");
	shown_as("uniform:-0.001,-0.001", "-0.001");
}

static void
choices_are_all_made(void **state)
{
	const struct sample *s = draw_many("choice:1,2,4", MANY);
	size_t n[5] = {0}, i;

	(void)state;
	for (i = 0; i < MANY; i++)
		n[(size_t)s->v[i]]++;
	is_near(MANY / 3, (double)n[1], MANY / 50);
	is_near(MANY / 3, (double)n[2], MANY / 50);
	is_near(MANY / 3, (double)n[4], MANY / 50);
}

/* Draws from a file with these bytes. */
static void
of_file(const char *bytes, const char *column, const char *wanted)
{
	char path[] = "/tmp/iot-values.XXXXXX";
	int fd = mkstemp(path);
	char text[80];
	struct model m;
	struct err err = {0};
	struct buf b = {0};
	struct draw draw = {0};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
	snprintf(text, sizeof(text), "file:%s%s", path, column);
	if (model_parse(&m, "a", text, &err)) {
		buf_puts(&b, err.text);
	} else {
		for (; draw.number < 4; draw.number++) {
			buf_puts(&b, draw.number != 0 ? " " : "");
			model_put(&m, &b, &draw, NULL);
		}
	}
	unlink(path);
	model_release(&m);
	if (strstr(buf_str(&b), wanted) == NULL)
		fail_msg("wanted '%s', got '%s'", wanted, buf_str(&b));
	buf_release(&b);
}

static void
files_give_their_values_in_order(void **state)
{
	(void)state;
	of_file("21.50\n\nopen\n{\"x\":1}", "", "21.50 \"open\" {\"x\":1} 21.50");
	of_file("t,h\n1.0,2\n3.50,4\n", ":t", "1.0 3.50 1.0 3.50");
	of_file("t,h\n1.0,2\n3.50,4\n", ":2", "2 4 2 4");
	of_file("t,h\n1,2\n", ":x", "has no column 'x'");
	of_file("t,h\n1,2\n", ":3", "has no column '3'");
	of_file("\n", "", "has no values");
	of_file("t,h\n1\n", ":t", ":2:");
}

static void
bad_models_say_what_is_wanted(void **state)
{
	static const char *const cases[][2] = {
	    {"uniform:2,1", "uniform wants two numbers, the smaller first"},
	    {"uniform:1,2,3", "uniform wants two numbers"},
	    {"normal:1", "normal wants a mean and a standard deviation"},
	    {"normal:1,-1", "normal wants"},
	    {"walk:1", "walk wants a start and the longest step"},
	    {"walk:1,1,2", "walk wants"},
	    {"walk:1,1,2,3", "walk wants"},
	    {"sine:1,2", "sine wants the least, the most and a period"},
	    {"sine:1,2,0s", "sine wants"},
	    {"step:1,10m", "step wants two values and a period"},
	    {"counter:x,1", "counter wants nothing, or a start and a step"},
	    {"file:/nonexistent", "cannot read '/nonexistent'"},
	    {"choice:", "choice wants values, as in mode=choice:off,heat,cool"},
	    {"choise:a,b", "did you mean 'choice:'?"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model m;
		struct err err = {0};

		assert_int_equal(model_parse(&m, cases[i][0], cases[i][0], &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (strstr(err.text, cases[i][1]) == NULL)
			fail_msg("wanted '%s', got '%s'", cases[i][1], err.text);
		model_release(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(uniform_fills_its_range_evenly),
	    cmocka_unit_test(normal_has_its_mean_and_deviation),
	    cmocka_unit_test(walks_go_by_steps_between_their_walls),
	    cmocka_unit_test(sines_come_back_each_period),
	    cmocka_unit_test(steps_change_at_half_a_period),
	    cmocka_unit_test(counters_count),
	    cmocka_unit_test(numbers_have_their_decimals),
	    cmocka_unit_test(choices_are_all_made),
	    cmocka_unit_test(files_give_their_values_in_order),
	    cmocka_unit_test(bad_models_say_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
