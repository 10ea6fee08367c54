/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device does with its commands, while somebody reads their lines and while nobody does. */
#include "unit.h"

#include <stdbool.h>
#include <unistd.h>

#include "iotpub/sim/listener.h"

/* A device with a session that is never started, and lines that go into a pipe. */
struct fake {
	struct loop *loop;
	struct writer *writer;
	int pipe[2];
	struct topic_set topics;
	struct listener_config config;
	struct session *session;
	struct listener *listener;
	size_t commands, shown, left_out;
};

static const struct msg message = {.topic = {"iot/devices/D_1/commands", 24}, .qos = 1};

static void
on_command(void *owner, const struct msg *m)
{
	struct fake *f = owner;

	f->commands++;
	command_lines_put(f->config.lines, listener_responder(f->listener),
	    (struct span){"line\n", 5}, m);
}

static void
on_shown(void *arg, struct responder_device *r, const struct msg *m)
{
	struct fake *f = arg;

	(void)m;
	assert_ptr_equal(listener_owner(r), f);
	f->shown++;
	if (!listener_is_showing(f->listener))
		listener_acknowledge(f->listener);
}

static void
on_failed(void *arg, const struct err *why)
{
	(void)arg;
	fail_msg("%s", why->text);
}

static void
on_stalled(void *arg, bool stalled)
{
	const struct fake *f = arg;

	listener_pause(f->listener, stalled);
}

static const struct command_lines_events events = {
    .shown = on_shown, .failed = on_failed, .stalled = on_stalled};
static const struct session_events session_events;

static void
begin(struct fake *f, bool keep_session)
{
	const struct topicopts built_in = {0};
	struct session_opts o = {.host = "127.0.0.1", .port = 1, .client_id = "D_1"};
	const struct writer_opts out = {.name = "the pipe"};
	struct err err = {0};

	f->loop = loop_new(&err);
	assert_non_null(f->loop);
	assert_int_equal(pipe(f->pipe), 0);
	assert_int_equal(writer_open(&f->writer, f->loop, f->pipe[1], &out, &err), 0);
	assert_int_equal(topic_set_compile(&f->topics, &built_in, &err), 0);
	f->config = (struct listener_config){.loop = f->loop,
	    .lines = command_lines_new(f->writer, &events, f),
	    .keep_session = keep_session,
	    .left_out = &f->left_out,
	    .command = on_command};
	f->listener = listener_new(&f->config, &f->topics, "D_1", &f->session, f, &err);
	assert_non_null(f->listener);
	listener_set_opts(f->listener, &o);
	assert_true(o.hold_acks);
	assert_int_equal(o.receive_maximum, 1);
	f->session = session_new(f->loop, &o, &session_events, f, &err);
	assert_non_null(f->session);
	listener_subscribe(f->listener);
}

static void
end(struct fake *f)
{
	session_free(f->session);
	f->session = NULL;
	listener_drop(f->listener);
	listener_free(f->listener);
	command_lines_free(f->config.lines);
	writer_free(f->writer);
	topic_set_release(&f->topics);
	close(f->pipe[0]);
	close(f->pipe[1]);
	loop_free(f->loop);
}

/* Nobody reads: commands come until the pipe is full. */
static void
stall(struct fake *f)
{
	while (!listener_is_showing(f->listener))
		listener_take(f->listener, &message);
	assert_true(command_lines_are_stalled(f->config.lines));
	assert_int_equal(f->left_out, 0);
}

static void
commands_are_shown_also_to_the_end(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f, false);
	listener_take(f.listener, &message);
	listener_leave(f.listener);
	listener_take(f.listener, &message);
	assert_int_equal(f.shown, 2);
	assert_int_equal(f.left_out, 0);
	assert_false(listener_is_busy(f.listener));
	/* One that is run is waited for. */
	listener_responder(f.listener)->handling = 1;
	assert_true(listener_is_running(f.listener));
	assert_true(listener_is_busy(f.listener));
	end(&f);
}

static void
nobody_waits_for_a_reader_that_stalls(void **state)
{
	struct fake f = {0};
	size_t waiting;

	(void)state;
	begin(&f, false);
	stall(&f);
	waiting = f.commands - f.shown;
	assert_true(waiting > 0);
	assert_false(listener_is_busy(f.listener));
	listener_leave(f.listener);
	assert_int_equal(f.left_out, waiting);
	assert_false(listener_is_showing(f.listener));
	/* Nor is one taken that comes now. */
	listener_take(f.listener, &message);
	assert_int_equal(f.left_out, waiting + 1);
	assert_int_equal(f.commands - f.shown, waiting);
	end(&f);
}

static void
the_broker_keeps_them_with_its_session(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f, true);
	stall(&f);
	listener_leave(f.listener);
	listener_take(f.listener, &message);
	assert_int_equal(f.left_out, 0);
	assert_true(listener_is_showing(f.listener));
	end(&f);
}

static void
a_subscription_that_is_refused_is_told_at_the_end(void **state)
{
	const struct err refused = {.code = ERR_AUTH};
	struct err why = {0};
	struct fake f = {0};

	(void)state;
	begin(&f, false);
	listener_explain(f.listener, &why);
	assert_int_equal(why.code, ERR_OK);
	listener_denied(f.listener, &refused);
	listener_explain(f.listener, &why);
	assert_int_equal(why.code, ERR_AUTH);
	assert_string_equal(why.text, "may not subscribe to 'iot/devices/D_1/commands'");
	end(&f);
}

static void
on_deferred(void *owner)
{
	struct fake *f = owner;

	f->shown = 100;
	loop_stop(f->loop);
}

static void
what_is_deferred_comes_from_the_loop(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f, false);
	listener_defer(f.listener, on_deferred);
	assert_int_equal(f.shown, 0);
	assert_int_equal(loop_run(f.loop, NULL), 0);
	assert_int_equal(f.shown, 100);
	end(&f);
}

static void
without_one_there_are_no_commands(void **state)
{
	struct session_opts o = {0};

	(void)state;
	listener_set_opts(NULL, &o);
	assert_false(o.hold_acks);
	listener_leave(NULL);
	listener_drop(NULL);
	assert_false(listener_is_busy(NULL));
	assert_false(listener_is_showing(NULL));
	listener_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_are_shown_also_to_the_end),
	    cmocka_unit_test(nobody_waits_for_a_reader_that_stalls),
	    cmocka_unit_test(the_broker_keeps_them_with_its_session),
	    cmocka_unit_test(a_subscription_that_is_refused_is_told_at_the_end),
	    cmocka_unit_test(what_is_deferred_comes_from_the_loop),
	    cmocka_unit_test(without_one_there_are_no_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
