/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules and what they decide; tests/unit/iotctl/acl_brokers.c asks brokers the same. */
#include "access/access.h"

#include "access/access_rules.h"
#include "unit.h"

static enum access_verdict
decide(const struct access_list *l, enum access_action action, const char *topic, int qos)
{
	const struct access_question q = {.username = "u",
	    .clientid = "c",
	    .action = action,
	    .topic = topic,
	    .qos = qos,
	    .retain = -1};

	return access_decide(access_find(l, "u"), &q, NULL);
}

static void
add(struct access_list *l, bool allow, const char *topic, int qos)
{
	const struct access_rule rule = {.allow = allow,
	    .action = ACCESS_ALL,
	    .topic = (char *)topic,
	    .qos = qos,
	    .retain = -1};

	access_add(access_user(l, "u"), &rule);
}

static void
an_order_to_the_broker_is_about_its_topic(void **state)
{
	struct access_list l = {0};

	(void)state;
	add(&l, true, "a/b", -1);
	assert_int_equal(decide(&l, ACCESS_SUBSCRIBE, "$share/g/a/b", 1), ACCESS_ALLOWED);
	assert_int_equal(decide(&l, ACCESS_SUBSCRIBE, "$queue/a/b", 1), ACCESS_ALLOWED);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "$delayed/5/a/b", 1), ACCESS_ALLOWED);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "$share/g/a/b", 1), ACCESS_NO_RULE);
	assert_int_equal(decide(&l, ACCESS_SUBSCRIBE, "$share/g", 1), ACCESS_NO_RULE);
	access_release(&l);
}

static void
names_of_the_client_are_put_in(void **state)
{
	struct access_list l = {0};

	(void)state;
	add(&l, true, "${username}/${clientid}/x", -1);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "u/c/x", 1), ACCESS_ALLOWED);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "u/d/x", 1), ACCESS_NO_RULE);
	access_release(&l);
}

static void
what_is_left_open_is_denied_by_one_but_not_allowed(void **state)
{
	struct access_list l = {0};

	(void)state;
	add(&l, true, "a", 1);
	add(&l, false, "b", 1);
	add(&l, true, "b", -1);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "a", -1), ACCESS_NO_RULE);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "a", 1), ACCESS_ALLOWED);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "b", -1), ACCESS_DENIED);
	assert_int_equal(decide(&l, ACCESS_PUBLISH, "b", 2), ACCESS_ALLOWED);
	access_release(&l);
}

static void
devices_with_one_login_are_denied_behind_both(void **state)
{
	const struct topicopts none = {0};
	struct access_list l = {0};
	struct topic_set topics = {0};

	(void)state;
	assert_int_equal(topic_set_compile(&topics, &none, NULL), 0);
	access_rules_of_device(
	    &l, &topics, &(struct access_device){.username = "u", .id = "D1"});
	access_rules_of_device(
	    &l, &topics, &(struct access_device){.username = "u", .id = "D2"});
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].n, 6 + 6 + ACCESS_REST);
	assert_int_equal(
	    decide(&l, ACCESS_PUBLISH, "iot/sensors/D2/data", 1), ACCESS_ALLOWED);
	assert_int_equal(
	    decide(&l, ACCESS_SUBSCRIBE, "iot/devices/D1/commands", 2), ACCESS_ALLOWED);
	assert_int_equal(
	    decide(&l, ACCESS_PUBLISH, "iot/devices/D1/commands", 2), ACCESS_DENIED);
	assert_int_equal(decide(&l, ACCESS_SUBSCRIBE, "#", 0), ACCESS_DENIED);
	assert_int_equal(decide(&l, ACCESS_SUBSCRIBE, "$SYS/#", 0), ACCESS_DENIED);
	/* Another level would be another's topics. */
	access_rules_of_device(
	    &l, &topics, &(struct access_device){.username = "u", .id = "D1/x"});
	assert_int_equal(l.left_out, 6);
	access_release(&l);
	topic_set_release(&topics);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_order_to_the_broker_is_about_its_topic),
	    cmocka_unit_test(names_of_the_client_are_put_in),
	    cmocka_unit_test(what_is_left_open_is_denied_by_one_but_not_allowed),
	    cmocka_unit_test(devices_with_one_login_are_denied_behind_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
