/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iotpub's sensors and payloads. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "iotpub/values/payload.h"

static void
put(struct buf *b, enum payload_shape shape, const struct sensors *s, uint64_t *random,
    int64_t timestamp)
{
	const struct payload p = {.shape = shape};
	const struct draw draw = {.random = random};
	const struct measured m = {
	    .device = "X_1", .sensors = s, .draw = &draw, .timestamp = timestamp};

	payload_reading(b, &p, &m);
}

static void
payload_is(const char *const *operands, enum payload_shape shape, int64_t timestamp,
    const char *wanted)
{
	struct sensors s = {0};
	struct buf b = {0};
	struct err err = {0};
	uint64_t random = model_random_start(1, 0);

	for (; *operands != NULL; operands++)
		assert_int_equal(sensors_add(&s, *operands, &err), 0);
	put(&b, shape, &s, &random, timestamp);
	assert_string_equal(buf_str(&b), wanted);
	buf_release(&b);
	sensors_release(&s);
}

static void
payloads_are_the_guides(void **state)
{
	const char *const two[] = {"temperature=21.50", "humidity=48.2", NULL};

	(void)state;
	payload_is(two, PAYLOAD_NESTED, 1760000000,
	    "{\"device_id\":\"X_1\",\"sensors\":{\"temperature\":21.50,\"humidity\":48.2}"
	    ","
	    "\"timestamp\":1760000000}");
	payload_is(two, PAYLOAD_FLAT, 60012,
	    "{\"device_id\":\"X_1\",\"temperature\":21.50,\"humidity\":48.2,"
	    "\"timestamp\":60012}");
}

static void
values_stay_as_they_were_typed(void **state)
{
	const char *const values[] = {"a=9223372036854775808", "b=0.1", "c=true", "d=1e3",
	    "e={\"x\":[1, 2.0]}", "f=on", "g=", "h=\"q\"", "i=a=b", "j=-5", "k=01",
	    "l=http://x", "m\"=\"", NULL};

	(void)state;
	payload_is(values, PAYLOAD_NESTED, 0,
	    "{\"device_id\":\"X_1\",\"sensors\":{\"a\":9223372036854775808,\"b\":0.1,"
	    "\"c\":true,\"d\":1e3,\"e\":{\"x\":[1, 2.0]},\"f\":\"on\",\"g\":\"\","
	    "\"h\":\"q\",\"i\":\"a=b\",\"j\":-5,\"k\":\"01\",\"l\":\"http://x\","
	    "\"m\\\"\":\"\\\"\"},\"timestamp\":0}");
}

static void
a_seed_makes_the_same_values_again(void **state)
{
	const char *const values[] = {"a=uniform:20,30", "b=uniform:-1,1.125", NULL};
	struct sensors s = {0};
	struct buf b = {0};
	struct err err = {0};
	uint64_t one = model_random_start(7, 0), again = model_random_start(7, 0),
		 other = model_random_start(7, 1);
	size_t half;

	(void)state;
	sensors_add(&s, values[0], &err);
	put(&b, PAYLOAD_FLAT, &s, &one, 0);
	half = b.n;
	put(&b, PAYLOAD_FLAT, &s, &again, 0);
	assert_memory_equal(b.p, b.p + half, half);
	assert_true(one == again);
	assert_true(one != other);
	buf_release(&b);
	sensors_release(&s);
	payload_is(values, PAYLOAD_FLAT, 0,
	    "{\"device_id\":\"X_1\",\"a\":26.94,\"b\":1.065,\"timestamp\":0}");
}

static void
bad_sensors_are_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"=1", "'=1': a sensor's name must stand before '='"},
	    {"a=uniform:2,1", "'a=uniform:2,1': uniform wants two numbers"},
	    {"a=uniform:1", "'a=uniform:1': uniform wants two numbers"},
	    {"a=uniform:1,x", "'a=uniform:1,x': uniform wants two numbers"},
	    {"a=uniform:1,inf", "'a=uniform:1,inf': uniform wants two numbers"},
	    {"a=unifrom:1,2", "'a=unifrom:1,2': did you mean 'uniform:'?"},
	    {"a=\xFF", "'a=\xFF' is no valid UTF-8"},
	    {"twice=2", "sensor 'twice' is given twice"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sensors s = {0};
		struct err err = {0};

		assert_int_equal(sensors_add(&s, "twice=1", &err), 0);
		assert_int_equal(sensors_add(&s, cases[i][0], &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		err.text[strlen(cases[i][1])] = '\0';
		assert_string_equal(err.text, cases[i][1]);
		sensors_release(&s);
	}
}

static void
flat_sensors_cannot_hide_the_device(void **state)
{
	struct sensors s = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(sensors_add(&s, "timestamp=1", &err), 0);
	assert_int_equal(
	    payload_check(&(struct payload){.shape = PAYLOAD_NESTED}, &s, &err), 0);
	assert_int_equal(
	    payload_check(&(struct payload){.shape = PAYLOAD_FLAT}, &s, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	sensors_release(&s);
}

/* Writes a template, reads it, and fills it in. */
static int
fill(const char *template, struct buf *b, struct err *err)
{
	char path[] = "/tmp/iot-template.XXXXXX";
	int fd = mkstemp(path);
	uint64_t random = model_random_start(1, 0);
	const struct draw draw = {.random = &random, .number = 4};
	struct sensors s = {0};
	struct payload p = {0};
	int failed;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, template, strlen(template)), strlen(template));
	close(fd);
	assert_int_equal(sensors_add(&s, "temp=21.50", err), 0);
	assert_int_equal(sensors_add(&s, "door=open", err), 0);
	failed = payload_init(&p, path, err) || payload_check(&p, &s, err);
	if (!failed)
		payload_reading(b, &p,
		    &(struct measured){
			.device = "X_1", .sensors = &s, .draw = &draw, .timestamp = 12});
	unlink(path);
	payload_release(&p);
	sensors_release(&s);
	return failed ? -1 : 0;
}

static void
templates_are_filled_in(void **state)
{
	struct buf b = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    fill("{\"id\":\"{device_id}\",\"n\":{number},{},{ x},\"v\":{{sensors}},"
		 "\"d\":{door}}{timestamp}\n",
		&b, &err),
	    0);
	assert_string_equal(buf_str(&b),
	    "{\"id\":\"X_1\",\"n\":5,{},{ x},\"v\":{\"temp\":21.50,\"door\":\"open\"},"
	    "\"d\":\"open\"}12");
	buf_clear(&b);
	assert_int_equal(fill("", &b, &err), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(fill("{temperature}", &b, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "{temperature} is nothing known"));
	buf_release(&b);
}

static void
stamps_stand_behind_the_rest(void **state)
{
	static const struct payload_stamp stamp = {7, 99};
	struct sensors s = {0};
	struct buf b = {0};
	struct err err = {0};

	(void)state;
	sensors_add(&s, "a=1", &err);
	payload_reading(&b, &(struct payload){.shape = PAYLOAD_FLAT},
	    &(struct measured){.device = "X",
		.sensors = &s,
		.draw = &(struct draw){0},
		.timestamp = 5,
		.stamp = &stamp});
	assert_string_equal(buf_str(&b),
	    "{\"device_id\":\"X\",\"a\":1,\"timestamp\":5,\"_seq\":7,\"_ts\":99}");
	buf_release(&b);
	sensors_release(&s);
}

static void
statuses_have_a_time_and_wills_have_none(void **state)
{
	struct buf b = {0};

	(void)state;
	payload_status(&b, "X", "connected", 12);
	payload_status(&b, "X", "disconnected", -1);
	assert_string_equal(buf_str(&b),
	    "{\"device_id\":\"X\",\"status\":\"connected\",\"timestamp\":12}"
	    "{\"device_id\":\"X\",\"status\":\"disconnected\"}");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(payloads_are_the_guides),
	    cmocka_unit_test(values_stay_as_they_were_typed),
	    cmocka_unit_test(a_seed_makes_the_same_values_again),
	    cmocka_unit_test(bad_sensors_are_refused),
	    cmocka_unit_test(templates_are_filled_in),
	    cmocka_unit_test(stamps_stand_behind_the_rest),
	    cmocka_unit_test(flat_sensors_cannot_hide_the_device),
	    cmocka_unit_test(statuses_have_a_time_and_wills_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
