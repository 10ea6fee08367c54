/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reason code means depends on the packet that brings it. */
#include "mqtt/reason.h"

#include "unit.h"

static void
means(enum reason_packet packet, int code, enum err_code status, bool final,
    const char *text)
{
	struct err err = {0};
	bool is_final = !final;

	assert_int_equal(reason_err(&err, packet, code, &is_final), -1);
	assert_int_equal(err.code, status);
	assert_string_equal(err.text, text);
	assert_int_equal(is_final, final);
}

static void
test_same_code_other_packet(void **state)
{
	(void)state;
	means(REASON_IN_CONNACK, REASON_NOT_AUTHORIZED, ERR_AUTH, true,
	    "bad user name or password, or not allowed to connect");
	means(REASON_IN_SUBACK, REASON_NOT_AUTHORIZED, ERR_AUTH, true, "not allowed");
	means(REASON_IN_PUBACK, REASON_NOT_AUTHORIZED, ERR_AUTH, true,
	    "not allowed to publish there");
	means(REASON_IN_DISCONNECT, REASON_NOT_AUTHORIZED, ERR_AUTH, true,
	    "not allowed any more");
}

static void
test_old_connack(void **state)
{
	(void)state;
	means(REASON_IN_CONNACK, 3, ERR_UNREACHABLE, false, "it is not available now");
	means(REASON_IN_CONNACK, 4, ERR_AUTH, true, "bad user name or password");
}

/* MQTT 3.1.1 has codes of its own in CONNACK only. */
static void
test_unknown(void **state)
{
	(void)state;
	means(REASON_IN_CONNACK, 6, ERR_PROTOCOL, false, "reason 6");
	means(REASON_IN_SUBACK, 200, ERR_AUTH, true, "reason 200");
	means(REASON_IN_PUBACK, 4, ERR_REFUSED, true, "reason 4");
	means(REASON_IN_DISCONNECT, 255, ERR_PROTOCOL, false, "reason 255");
}

static void
test_failures_begin_at_128(void **state)
{
	(void)state;
	assert_false(reason_is_failure(REASON_NO_MATCHING_SUBSCRIBERS));
	assert_false(reason_is_failure(127));
	assert_true(reason_is_failure(REASON_UNSPECIFIED_ERROR));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_code_other_packet),
	    cmocka_unit_test(test_old_connack),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_failures_begin_at_128),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
