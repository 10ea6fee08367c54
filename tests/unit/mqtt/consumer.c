/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/consumer.h"

#include "broker.h"
#include "mqtt/session.h"
#include "rig.h"

/* A consumer that makes nothing durable until it is told to. */
struct eater {
	struct rig rig;
	struct consumer *consume;
	size_t messages, batches, want;
	uint64_t token;
	bool at_once; /* durable from inside `batch` */
	int ready;
	char last[64];
};

static void
on_batch(void *arg, const struct msg *m, size_t n, uint64_t token)
{
	struct eater *e = arg;

	e->messages += n;
	e->batches++;
	e->token = token;
	snprintf(e->last, sizeof(e->last), "%.*s", (int)m[n - 1].payload.n,
	    m[n - 1].payload.p);
	if (e->at_once)
		consumer_ack(e->consume, token);
	if (e->messages >= e->want)
		loop_stop(e->rig.loop);
}

static void
on_ready(void *arg)
{
	struct eater *e = arg;

	e->ready++;
	loop_stop(e->rig.loop);
}

static void
make(struct eater *e, const struct broker *b, const char *id, const char *filter)
{
	const struct session_opts opts = {.host = b->sock,
	    .client_id = id,
	    .keepalive = 5,
	    .session_expiry = 60,
	    .connect_timeout = 3000};
	const struct consumer_filter filters[] = {{filter, .qos = 1}};
	const struct consumer_events events = {
	    .batch = on_batch, .ended = rig_on_ended, .ready = on_ready};
	struct err err = {0};

	e->rig.loop = loop_new(&err);
	e->consume = consumer_new(e->rig.loop, &opts, filters, 1, &events, e, &err);
	assert_string_equal(err.text, "");
}

static void
start(struct eater *e)
{
	consumer_start(e->consume);
	rig_run(&e->rig, 5000);
	if (e->ready == 0)
		rig_run(&e->rig, 1000);
	assert_int_equal(e->ready, 1);
}

static void
begin(struct eater *e, const struct broker *b, const char *id, const char *filter)
{
	make(e, b, id, filter);
	start(e);
}

static void
publish(const struct broker *b, const char *topic, int from, int to)
{
	char *command = xasprintf("seq %d %d | mosquitto_pub --unix %s -q 1 -t %s -l",
	    from, to, b->sock, topic);

	assert_int_equal(system(command), 0);
	free(command);
}

static int
acknowledged(const struct broker *b, const char *id)
{
	char *text = xasprintf("Received PUBACK from %s", id);
	int n = broker_logged(b, text);

	free(text);
	return n;
}

static void
end(struct eater *e)
{
	consumer_stop(e->consume);
	rig_run(&e->rig, 5000);
	assert_string_equal(e->rig.ended.text, "");
	consumer_free(e->consume);
	loop_free(e->rig.loop);
}

static void
nothing_is_acknowledged_before_it_is_durable(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 10};
	int tries;

	begin(&e, b, "held", "held");
	publish(b, "held", 1, 10);
	rig_run(&e.rig, 5000);
	assert_true(e.messages > 0);
	e.want = 1000;
	/* Half a keep-alive later: a ping passes by what is held. */
	for (tries = 0; tries < 50 && broker_logged(b, "PINGREQ from held") == 0; tries++)
		rig_run(&e.rig, 100);
	assert_true(broker_logged(b, "PINGREQ from held") > 0);
	assert_int_equal(acknowledged(b, "held"), 0);
	e.at_once = true;
	consumer_ack(e.consume, e.token);
	for (tries = 0; tries < 50 && acknowledged(b, "held") < 10; tries++)
		rig_run(&e.rig, 100);
	assert_int_equal(e.messages, 10);
	assert_int_equal(acknowledged(b, "held"), 10);
	end(&e);
}

/* What the test above would see without holding: the acknowledgements leave by themselves. */
static void
without_holding_they_leave_at_once(void **state)
{
	const struct broker *b = *state;
	struct session_opts opts = rig_to(b->sock, 0);
	struct rig r = {.stop_at_messages = 10};
	int tries;

	opts.client_id = "naive";
	rig_begin(&r, &opts);
	assert_int_equal(session_subscribe(r.session, "naive", 1, false, NULL), 0);
	rig_run(&r, 5000);
	publish(b, "naive", 1, 10);
	rig_run(&r, 5000);
	for (tries = 0; tries < 50 && acknowledged(b, "naive") < 10; tries++)
		rig_run(&r, 20);
	assert_int_equal(r.messages, 10);
	assert_int_equal(acknowledged(b, "naive"), 10);
	rig_finish(&r);
}

static void
what_was_not_durable_comes_again(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 1}, again = {.want = 5, .at_once = true};

	begin(&e, b, "twice", "twice");
	publish(b, "twice", 1, 5);
	rig_run(&e.rig, 5000);
	consumer_free(e.consume); /* dies with the batch */
	loop_free(e.rig.loop);
	begin(&again, b, "twice", "twice");
	if (again.messages < 5)
		rig_run(&again.rig, 5000);
	assert_int_equal(again.messages, 5);
	assert_string_equal(again.last, "5");
	end(&again);
}

static void
many_messages_all_arrive_once(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 900, .at_once = true};

	begin(&e, b, "many", "many");
	publish(b, "many", 1, 900);
	rig_run(&e.rig, 10000);
	assert_int_equal(e.messages, 900);
	assert_string_equal(e.last, "900");
	end(&e);
	assert_int_equal(acknowledged(b, "many"), 900);
}

static void
limit_leaves_the_rest_with_the_broker(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 3, .at_once = true},
		     rest = {.want = 7, .at_once = true};

	begin(&e, b, "some", "some");
	consumer_limit(e.consume, 3);
	publish(b, "some", 1, 10);
	rig_run(&e.rig, 5000);
	end(&e);
	assert_int_equal(e.messages, 3);
	assert_int_equal(acknowledged(b, "some"), 3);
	begin(&rest, b, "some", "some");
	if (rest.messages < 7)
		rig_run(&rest.rig, 5000);
	assert_int_equal(rest.messages, 7);
	end(&rest);
}

static int
change(struct eater *e, const char *a, const char *b)
{
	const struct consumer_filter filters[] = {{a, .qos = 1}, {b, .qos = 1}};
	struct err err = {0};
	int result = consumer_change(e->consume, filters, b != NULL ? 2 : 1, &err);

	assert_string_equal(err.text, "");
	return result;
}

static void
filters_change_in_the_connection_that_is_there(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 3, .at_once = true};
	struct err err = {0};
	int tries;

	begin(&e, b, "changes", "change/a");
	assert_int_equal(change(&e, "change/a", "change/b"), 0);
	assert_int_equal(change(&e, "change/a", NULL), 1);
	rig_run(&e.rig, 5000);
	assert_int_equal(e.ready, 2);
	assert_int_equal(broker_logged(b, "Received SUBSCRIBE from changes"), 2);
	publish(b, "change/b", 1, 3);
	rig_run(&e.rig, 5000);
	assert_int_equal(e.messages, 3);
	assert_int_equal(change(&e, "change/b", NULL), 0);
	for (tries = 0; tries < 50 && broker_logged(b, "UNSUBSCRIBE from changes") == 0;
	     tries++)
		rig_run(&e.rig, 100);
	e.want = 4;
	publish(b, "change/a", 4, 4);
	publish(b, "change/b", 5, 5);
	rig_run(&e.rig, 5000);
	assert_int_equal(e.messages, 4);
	assert_string_equal(e.last, "5");
	/* What is none changes nothing. */
	assert_int_equal(consumer_change(e.consume,
			     &(struct consumer_filter){.filter = "a/#/b"}, 1, &err),
	    -1);
	assert_int_equal(err.code, ERR_USAGE);
	e.want = 5;
	publish(b, "change/b", 6, 6);
	rig_run(&e.rig, 5000);
	assert_string_equal(e.last, "6");
	assert_int_equal(broker_logged(b, "Sending CONNACK to changes"), 1);
	end(&e);
}

/* Each change before the next connection counts, not the last alone. */
static void
what_is_given_up_twice_is_given_up(void **state)
{
	const struct broker *b = *state;
	struct eater before = {.want = 1000}, e = {.want = 1000};
	int tries;

	begin(&before, b, "twice", "twice/b");
	end(&before);
	make(&e, b, "twice", "twice/b");
	assert_int_equal(change(&e, "twice/a", NULL), 0);
	assert_int_equal(change(&e, "twice/a", "twice/c"), 0);
	assert_int_equal(change(&e, "twice/c", NULL), 0);
	assert_int_equal(change(&e, "twice/c", "twice/a"), 0);
	start(&e);
	for (tries = 0; tries < 50 && broker_logged(b, "UNSUBSCRIBE from twice") == 0;
	     tries++)
		rig_run(&e.rig, 100);
	assert_int_equal(broker_logged(b, "Received UNSUBSCRIBE from twice"), 1);
	e.want = 2;
	e.at_once = true;
	publish(b, "twice/b", 1, 1);
	publish(b, "twice/a", 2, 2);
	publish(b, "twice/c", 3, 3);
	rig_run(&e.rig, 5000);
	assert_int_equal(e.messages, 2);
	assert_string_equal(e.last, "3");
	end(&e);
}

static void
a_broker_that_forgot_is_asked_and_ready_again(void **state)
{
	struct broker *b = *state;
	struct eater e = {.want = 1000};
	int tries;

	begin(&e, b, "forgets", "forgets");
	broker_stop(b); /* keeps nothing */
	rig_run(&e.rig, 300);
	broker_start(b);
	for (tries = 0; tries < 100 && e.ready < 2; tries++)
		rig_run(&e.rig, 100);
	assert_int_equal(e.ready, 2);
	assert_int_equal(broker_logged(b, "Received SUBSCRIBE from forgets"), 2);
	end(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_acknowledged_before_it_is_durable),
	    cmocka_unit_test(without_holding_they_leave_at_once),
	    cmocka_unit_test(what_was_not_durable_comes_again),
	    cmocka_unit_test(many_messages_all_arrive_once),
	    cmocka_unit_test(limit_leaves_the_rest_with_the_broker),
	    cmocka_unit_test(filters_change_in_the_connection_that_is_there),
	    cmocka_unit_test(what_is_given_up_twice_is_given_up),
	    cmocka_unit_test(a_broker_that_forgot_is_asked_and_ready_again),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
