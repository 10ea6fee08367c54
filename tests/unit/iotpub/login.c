/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who a device is at the broker. */
#include "unit.h"

#include "iotpub/sim/login.h"

static struct credential rows[] = {
    {.device = "D_1",
	.client_id = "C_1",
	.username = "file",
	.password = "secret",
	.cert = "d.crt",
	.key = "d.key"},
    {.device = "D_2", .username = "two", .password = "2"},
};
static const struct credentials file = {.v = rows, .n = 2};

static void
the_client_id_is_the_nearest_one(void **state)
{
	struct login l;
	struct err err = {0};

	(void)state;
	assert_int_equal(login_choose(&l, &file, "given", "D_1", &err), 0);
	assert_string_equal(l.client_id, "given");
	assert_int_equal(login_choose(&l, &file, NULL, "D_1", &err), 0);
	assert_string_equal(l.client_id, "C_1");
	assert_int_equal(login_choose(&l, &file, NULL, "D_2", &err), 0);
	assert_string_equal(l.client_id, "D_2");
	assert_ptr_equal(l.credential, &rows[1]);
	assert_int_equal(login_choose(&l, &file, NULL, "D_3", &err), 0);
	assert_string_equal(l.client_id, "D_3");
	assert_null(l.credential);
	assert_int_equal(login_choose(&l, &file, "a/b", "D_3", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "device 'D_3': "));
}

static void
a_given_login_is_meant(void **state)
{
	struct login l = {.credential = &rows[0]};
	struct session_opts o = {.username = "given", .password = "p"};

	(void)state;
	login_set(&l, true, &o);
	assert_string_equal(o.username, "given");
	assert_string_equal(o.password, "p");
	/* A certificate is no login of the command line's. */
	assert_string_equal(o.cert, "d.crt");
	assert_true(o.tls);
	login_set(&l, false, &o);
	assert_string_equal(o.username, "file");
	assert_string_equal(o.password, "secret");
}

static void
what_the_file_lacks_stays(void **state)
{
	const struct login two = {.credential = &rows[1]}, none = {0};
	struct session_opts o = {.username = "preset", .shared_tls = (struct tls *)&o};

	(void)state;
	login_set(&none, false, &o);
	assert_string_equal(o.username, "preset");
	login_set(&two, false, &o);
	assert_string_equal(o.username, "two");
	assert_false(o.tls);
	assert_non_null(o.shared_tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_client_id_is_the_nearest_one),
	    cmocka_unit_test(a_given_login_is_meant),
	    cmocka_unit_test(what_the_file_lacks_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
