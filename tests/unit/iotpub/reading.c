/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device's readings and reconnections, with a connection that is made up. */
#include "unit.h"

#include <stdbool.h>

#include "base/buf.h"
#include "iotpub/sim/reading.h"
#include "iotpub/sim/reconnect.h"

struct fake {
	struct readings readings;
	struct reconnect reconnect;
	struct loop *loop;
	bool can_publish, can_send, has_properties;
	struct buf sent; /* payloads, one a line */
	size_t n, stamped, flaps, unacknowledged, renewed, left;
};

static struct fake *
of(struct readings *r)
{
	return (struct fake *)(void *)((char *)r - offsetof(struct fake, readings));
}

static bool
can_publish(struct readings *r)
{
	return of(r)->can_publish;
}

static bool
can_send(struct readings *r)
{
	return of(r)->can_send;
}

static bool
has_properties(struct readings *r)
{
	return of(r)->has_properties;
}

static void
publish(struct readings *r, const struct session_pub *p)
{
	struct fake *f = of(r);

	assert_string_equal(p->topic, "iot/sensors/D_1/data");
	f->n++;
	f->stamped += p->props != NULL;
	buf_span(&f->sent, p->payload);
	buf_putc(&f->sent, '\n');
}

static void
flap(struct readings *r)
{
	of(r)->flaps++;
}

static void
complete(struct readings *r)
{
	loop_stop(of(r)->loop);
}

static const char *
other_id(struct readings *r)
{
	(void)r;
	return "D_2";
}

static const struct reading_events events = {.can_publish = can_publish,
    .can_send = can_send,
    .has_properties = has_properties,
    .publish = publish,
    .flap = flap,
    .complete = complete,
    .other_id = other_id};

/* Four readings, of a counter, with the faults that `shared` has. */
static void
run(struct fake *f, struct reading_shared *shared, bool stamps)
{
	struct args args = {.count = 4, .seed = 1};
	struct sensors sensors = {0};
	struct payload payload = {0};
	struct topic *topic = NULL;
	struct err err = {0};
	struct profile profile = {.sensors = &sensors, .interval = 5, .qos = 1};
	struct reading_config config = {.args = &args,
	    .payload = &payload,
	    .seed = 1,
	    .stamps = stamps,
	    .events = &events,
	    .shared = shared};

	config.loop = f->loop = loop_new(&err);
	assert_non_null(f->loop);
	assert_int_equal(sensors_add(&sensors, "n=counter", &err), 0);
	assert_int_equal(topic_compile(&topic, "iot/sensors/{device_id}/data", &err), 0);
	assert_int_equal(payload_init(&payload, "flat", &err), 0);
	profile.data = topic;
	assert_int_equal(
	    reading_init(&f->readings, &config, 0, "D_1", &profile, &err), 0);
	reading_begin(&f->readings, 0, 1);
	assert_int_equal(loop_run(f->loop, &err), 0);
	reading_release(&f->readings);
	loop_free(f->loop);
	topic_free(topic);
	payload_release(&payload);
	sensors_release(&sensors);
	buf_release(&shared->payload);
}

static void
each_comes_with_its_time(void **state)
{
	struct fake f = {.can_publish = true, .can_send = true};
	struct reading_shared shared = {0};

	(void)state;
	run(&f, &shared, false);
	assert_string_equal(buf_str(&f.sent),
	    "{\"device_id\":\"D_1\",\"n\":0,\"timestamp\":0}\n"
	    "{\"device_id\":\"D_1\",\"n\":1,\"timestamp\":5}\n"
	    "{\"device_id\":\"D_1\",\"n\":2,\"timestamp\":10}\n"
	    "{\"device_id\":\"D_1\",\"n\":3,\"timestamp\":15}\n");
	assert_int_equal(shared.stamped, 0);
	buf_release(&f.sent);
}

static void
stamps_go_where_there_is_room(void **state)
{
	struct fake five = {
	    .can_publish = true, .can_send = true, .has_properties = true};
	struct fake four = {.can_publish = true, .can_send = true};
	struct reading_shared shared = {0};

	(void)state;
	run(&five, &shared, true);
	assert_int_equal(five.stamped, 4);
	assert_null(strstr(buf_str(&five.sent), "_seq"));
	run(&four, &shared, true);
	assert_int_equal(four.stamped, 0);
	assert_non_null(strstr(buf_str(&four.sent), "\"_seq\":4"));
	assert_int_equal(shared.stamped, 8);
	buf_release(&five.sent);
	buf_release(&four.sent);
}

static void
faults_strike(void **state)
{
	struct fake f = {.can_publish = true, .can_send = true};
	struct reading_shared shared = {
	    .faults.rate = {
		[FAULT_WRONG_ID] = 1, [FAULT_DUPLICATE] = 1, [FAULT_FLAP] = 1}};

	(void)state;
	run(&f, &shared, false);
	assert_int_equal(f.n, 8);
	assert_int_equal(f.flaps, 4);
	assert_null(strstr(buf_str(&f.sent), "D_1"));
	buf_release(&f.sent);
}

static void
what_is_held_back_without_a_connection_is_lost(void **state)
{
	struct fake f = {.can_publish = true};
	struct reading_shared shared = {.faults.rate = {[FAULT_LATE] = 1}};

	(void)state;
	run(&f, &shared, true);
	/* The 2nd and the 4th go; the 1st and the 3rd were held back. */
	assert_int_equal(f.n, 2);
	assert_int_equal(shared.stamped, 2);
	buf_release(&f.sent);
}

static size_t
unacknowledged(const struct reconnect *r)
{
	const struct fake *f = (const struct fake *)(const void *)((const char *)r -
	    offsetof(struct fake, reconnect));

	return f->unacknowledged;
}

static void
renew(struct reconnect *r, size_t left)
{
	struct fake *f =
	    (struct fake *)(void *)((char *)r - offsetof(struct fake, reconnect));

	f->renewed++;
	f->left = left;
	loop_stop(f->loop);
}

static void
a_connection_breaks_off_when_all_is_acknowledged(void **state)
{
	struct fake f = {.loop = loop_new(NULL), .unacknowledged = 2};
	struct reconnect_config config = {.loop = f.loop,
	    .drain = 20,
	    .unacknowledged = unacknowledged,
	    .renew = renew};

	(void)state;
	f.reconnect.config = &config;
	/* Not connected: there is nothing to break. */
	reconnect_flap(&f.reconnect, false);
	assert_false(reconnect_is_due(&f.reconnect));
	reconnect_flap(&f.reconnect, true);
	assert_true(reconnect_is_due(&f.reconnect));
	f.unacknowledged = 0;
	reconnect_acknowledged(&f.reconnect, true, false);
	assert_int_equal(loop_run(f.loop, NULL), 0);
	assert_int_equal(f.renewed, 1);
	assert_false(reconnect_is_due(&f.reconnect));
	/* It broke off by itself meanwhile. */
	f.unacknowledged = 1;
	reconnect_flap(&f.reconnect, true);
	reconnect_acknowledged(&f.reconnect, false, false);
	assert_false(reconnect_is_due(&f.reconnect));
	/* An old broker that acknowledges nothing is left in the end. */
	f.unacknowledged = 3;
	reconnect_move(&f.reconnect);
	assert_int_equal(loop_run(f.loop, NULL), 0);
	assert_int_equal(f.renewed, 2);
	assert_int_equal(f.left, 3);
	reconnect_stop(&f.reconnect);
	loop_free(f.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_comes_with_its_time),
	    cmocka_unit_test(stamps_go_where_there_is_room),
	    cmocka_unit_test(faults_strike),
	    cmocka_unit_test(what_is_held_back_without_a_connection_is_lost),
	    cmocka_unit_test(a_connection_breaks_off_when_all_is_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
