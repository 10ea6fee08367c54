/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was taken is run, also when it is stopped; what comes behind that is told so. */
#include "unit.h"

#include <stdatomic.h>

#include "iotapi/http/offload.h"

static void
count(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void
nothing_is_taken_that_would_not_run(void **state)
{
	struct offload *o = offload_new(1, 64);
	atomic_int ran = 0;
	int i, taken = 0;

	(void)state;
	assert_non_null(o);
	for (i = 0; i < 1000; i++)
		taken += offload_put(o, count, &ran);
	assert_true(taken >= 64);
	offload_stop(o);
	assert_int_equal(ran, taken);
	assert_false(offload_put(o, count, &ran));
	offload_free(o);
	assert_int_equal(ran, taken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_taken_that_would_not_run),
	};

	return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
