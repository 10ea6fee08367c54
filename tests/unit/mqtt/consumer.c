/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/consumer.h"

#include "broker.h"

/* A consumer that makes nothing durable until it is told to. */
struct eater {
	const struct broker *broker;
	struct loop *loop;
	struct consumer *consume;
	struct loop_timer limit;
	size_t messages, batches, want;
	uint64_t token;
	bool at_once; /* durable from inside `batch` */
	int ready, refused;
	struct err ended;
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
		loop_stop(e->loop);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct eater *e = arg;

	e->ended = *why;
	loop_stop(e->loop);
}

static void
on_ready(void *arg)
{
	struct eater *e = arg;

	e->ready++;
	loop_stop(e->loop);
}

static void
on_time(void *arg)
{
	loop_stop(((struct eater *)arg)->loop);
}

static void
run(struct eater *e, int64_t ms)
{
	loop_timer_set(e->loop, &e->limit, ms, on_time, e);
	assert_int_equal(loop_run(e->loop, NULL), 0);
	loop_timer_stop(&e->limit);
}

static void
begin(struct eater *e, const struct broker *b, const char *id, const char *filter)
{
	const struct session_opts opts = {.host = b->sock,
	    .client_id = id,
	    .keepalive = 5,
	    .session_expiry = 60,
	    .connect_timeout = 3000};
	const struct consumer_filter filters[] = {{filter, .qos = 1}};
	const struct consumer_events events = {
	    .batch = on_batch, .ended = on_ended, .ready = on_ready};
	struct err err = {0};

	e->broker = b;
	e->loop = loop_new(&err);
	e->consume = consumer_new(e->loop, &opts, filters, 1, &events, e, &err);
	assert_string_equal(err.text, "");
	consumer_start(e->consume);
	run(e, 5000);
	if (e->ready == 0)
		run(e, 1000);
	assert_int_equal(e->ready, 1);
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
	run(e, 5000);
	assert_string_equal(e->ended.text, "");
	consumer_free(e->consume);
	loop_free(e->loop);
}

static void
nothing_is_acknowledged_before_it_is_durable(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 10};
	int tries;

	begin(&e, b, "held", "held");
	publish(b, "held", 1, 10);
	run(&e, 5000);
	assert_true(e.messages > 0);
	e.want = 1000;
	run(&e, 3200); /* longer than half a keep-alive: pings pass by what is held */
	assert_int_equal(acknowledged(b, "held"), 0);
	assert_true(broker_logged(b, "Received PINGREQ from held") > 0);
	e.at_once = true;
	consumer_ack(e.consume, e.token);
	for (tries = 0; tries < 50 && acknowledged(b, "held") < 10; tries++)
		run(&e, 100);
	assert_int_equal(e.messages, 10);
	assert_int_equal(acknowledged(b, "held"), 10);
	end(&e);
}

/* What the test above would see without holding: the acknowledgements leave by themselves. */
static void
on_any(void *arg, const struct msg *m)
{
	(void)m;
	((struct eater *)arg)->messages++;
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	(void)filter;
	(void)qos;
	(void)why;
	loop_stop(((struct eater *)arg)->loop);
}

static void
without_holding_they_leave_at_once(void **state)
{
	const struct broker *b = *state;
	const struct session_opts opts = {.host = b->sock,
	    .client_id = "naive",
	    .clean = true,
	    .connect_timeout = 3000};
	const struct session_events events = {
	    .message = on_any, .subscribed = on_subscribed};
	struct eater e = {0};
	struct session *s;

	e.loop = loop_new(NULL);
	s = session_new(e.loop, &opts, &events, &e, NULL);
	assert_int_equal(session_subscribe(s, "naive", 1, false, NULL), 0);
	session_start(s);
	run(&e, 5000);
	publish(b, "naive", 1, 10);
	run(&e, 500);
	assert_int_equal(e.messages, 10);
	assert_int_equal(acknowledged(b, "naive"), 10);
	session_free(s);
	loop_free(e.loop);
}

static void
what_was_not_durable_comes_again(void **state)
{
	const struct broker *b = *state;
	struct eater e = {.want = 1}, again = {.want = 5, .at_once = true};

	begin(&e, b, "twice", "twice");
	publish(b, "twice", 1, 5);
	run(&e, 5000);
	consumer_free(e.consume); /* dies with the batch */
	loop_free(e.loop);
	begin(&again, b, "twice", "twice");
	if (again.messages < 5)
		run(&again, 5000);
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
	run(&e, 10000);
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
	run(&e, 5000);
	end(&e);
	assert_int_equal(e.messages, 3);
	assert_int_equal(acknowledged(b, "some"), 3);
	begin(&rest, b, "some", "some");
	if (rest.messages < 7)
		run(&rest, 5000);
	assert_int_equal(rest.messages, 7);
	end(&rest);
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
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
