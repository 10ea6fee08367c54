/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that handle commands, and what a command is. */
#include "base/clock.h"
#include "base/strv.h"
#include "unit.h"

#include <signal.h>
#include <stdlib.h>

#include "base/text.h"
#include "msg/device_command.h"
#include "exec/exec_pool.h"

/* A program and its arguments. */
#define WORDS(...)                                                                       \
	(&(struct strv){                                                                 \
	    (char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)})

struct run {
	struct loop *loop;
	size_t left;
	struct buf log; /* "TAG status output|why\n" */
};

static void
on_done(void *arg, void *tag, const struct exec_pool_result *r)
{
	static const char *const words[] = {"ok", "error", "timeout"};
	struct run *run = arg;

	buf_printf(&run->log, "%s %s %.*s%s\n", (const char *)tag, words[r->status],
	    (int)r->output.n, r->output.p, r->why.text);
	if (--run->left == 0)
		loop_stop(run->loop);
}

static void
run_command(struct run *run, struct exec_pool_opts o, size_t times)
{
	static char tags[][2] = {"a", "b", "c"};
	const struct msg m = {.topic = SPAN("t/x"),
	    .payload = SPAN("{\"id\":7}"),
	    .qos = 1,
	    .retain = true};
	struct exec_pool *h = NULL;
	struct err err = {0};
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	*run = (struct run){.loop = loop_new(&err), .left = times};
	if (o.output_max == 0)
		o.output_max = 1000;
	assert_int_equal(exec_pool_new(&h, run->loop, &o, on_done, run, &err), 0);
	for (i = 0; i < times; i++)
		exec_pool_run(h, &m, SPAN("X"), SPAN("7"), tags[i]);
	assert_int_equal(exec_pool_busy(h), times);
	assert_int_equal(run->log.n, 0);
	assert_int_equal(loop_run(run->loop, &err), 0);
	assert_int_equal(exec_pool_busy(h), 0);
	exec_pool_free(h);
}

static void
run_ends(struct run *run, const char *wanted)
{
	assert_string_equal(buf_str(&run->log), wanted);
	buf_release(&run->log);
	loop_free(run->loop);
}

static void
payload_goes_in_and_output_comes_back(void **state)
{
	struct run run;

	(void)state;
	run_command(&run, (struct exec_pool_opts){.command = WORDS("cat")}, 1);
	run_ends(&run, "a ok {\"id\":7}\n");
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("sh", "-c",
		    "echo -n $IOT_TOPIC $IOT_DEVICE_ID $IOT_COMMAND_ID $IOT_QOS "
		    "$IOT_RETAIN")},
	    1);
	run_ends(&run, "a ok t/x X 7 1 1\n");
}

/* A program started by a handler of another one: of two variables of a name a shell takes the last. */
static void
variables_replace_ours(void **state)
{
	struct run run;

	(void)state;
	setenv("IOT_TOPIC", "outer/topic", 1);
	setenv("IOT_TOPIC_2", "another", 1);
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("sh", "-c", "echo -n $IOT_TOPIC $IOT_TOPIC_2")},
	    1);
	run_ends(&run, "a ok t/x another\n");
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("sh", "-c", "env | grep -c ^IOT_TOPIC=")},
	    1);
	run_ends(&run, "a ok 1\n\n");
	unsetenv("IOT_TOPIC");
	unsetenv("IOT_TOPIC_2");
}

static void
words_stay_as_they_are(void **state)
{
	struct run run;

	(void)state;
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("printf", "[%s]", "a  b", "c\"d", "", "$HOME;")},
	    1);
	run_ends(&run, "a ok [a  b][c\"d][][$HOME;]\n");
}

static void
failures_are_told(void **state)
{
	struct run run;

	(void)state;
	run_command(&run,
	    (struct exec_pool_opts){.command = WORDS("sh", "-c", "echo -n x; exit 3")},
	    1);
	run_ends(&run, "a error x'sh' exited with status 3\n");
	run_command(
	    &run, (struct exec_pool_opts){.command = WORDS("sh", "-c", "kill -9 $$")}, 1);
	run_ends(&run, "a error 'sh' was ended by signal 9\n");
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("printf", "123456"), .output_max = 4},
	    1);
	run_ends(&run, "a error 1234'printf' printed more than 4 bytes\n");
}

static void
time_is_limited_for_the_whole_group(void **state)
{
	struct run run;

	(void)state;
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("sh", "-c", "sleep 30; :"), .timeout = 100},
	    1);
	run_ends(&run, "a timeout 'sh' took longer than 0.1 s\n");
}

static void
jobs_wait_for_their_turn(void **state)
{
	struct run run;

	(void)state;
	run_command(&run,
	    (struct exec_pool_opts){
		.command = WORDS("sh", "-c",
		    "mkdir /tmp/iot-h.$PPID && sleep 0.05 && rmdir /tmp/iot-h.$PPID"),
		.jobs = 1},
	    3);
	run_ends(&run, "a ok \nb ok \nc ok \n");
}

static void
jobs_run_at_once(void **state)
{
	struct run run;
	int64_t began = clock_wall_us();

	(void)state;
	run_command(&run,
	    (struct exec_pool_opts){.command = WORDS("sleep", "0.5"), .jobs = 3}, 3);
	assert_true(clock_wall_us() - began < 1400000);
	buf_release(&run.log);
	loop_free(run.loop);
}

static void
freeing_kills_what_runs(void **state)
{
	const struct msg m = {.topic = SPAN("t"), .payload = SPAN("")};
	struct exec_pool_opts o = {.command = WORDS("sleep", "30"), .jobs = 1};
	struct exec_pool *h = NULL;
	struct err err = {0};
	struct run run = {.loop = loop_new(&err)};

	(void)state;
	assert_int_equal(exec_pool_new(&h, run.loop, &o, on_done, &run, &err), 0);
	exec_pool_run(h, &m, SPAN("X"), (struct span){0}, &run);
	exec_pool_run(h, &m, SPAN("X"), (struct span){0}, &run);
	exec_pool_free(h);
	exec_pool_free(NULL);
	loop_free(run.loop);
}

static void
commands_that_cannot_run_are_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"", "the command is empty"},
	    {"no-such-program", "cannot run 'no-such-program': there is no such program"},
	    {"cat x",
		"cannot run 'cat x': there is no such program; its arguments are words "
		"of "
		"their own, without quotes around it all"},
	    {"/nonexistent/x", "cannot run '/nonexistent/x': there is no such program"},
	    {"/", "cannot run '/': Is a directory"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exec_pool_opts o = {
		    .command = WORDS((char *)(uintptr_t)cases[i][0])};
		struct exec_pool *h = NULL;
		struct err err = {0};

		assert_int_equal(exec_pool_new(&h, NULL, &o, on_done, NULL, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_string_equal(err.text, cases[i][1]);
	}
}

static void
only_a_command_with_an_id_is_answered(void **state)
{
	struct span id;

	(void)state;
	assert_true(
	    device_command_id(SPAN(" {\"a\":1,\"id\": 12345678901234567890 } "), &id));
	assert_true(span_is(id, "12345678901234567890"));
	assert_true(device_command_id(SPAN("{\"id\":\"x\"}"), &id));
	assert_true(span_is(id, "\"x\""));
	assert_false(device_command_id(SPAN("{\"id\":null}"), &id));
	assert_false(device_command_id(SPAN("{\"id\":[1]}"), &id));
	assert_false(device_command_id(SPAN("[1]"), &id));
	assert_false(device_command_id(SPAN("on"), &id));
	assert_false(device_command_id(SPAN(""), &id));
}

static void
answers_keep_the_ids_bytes_and_json_results(void **state)
{
	static const char *const cases[][2] = {
	    {"{ \"t\" : 21.50 }\n", "{\"t\":21.50}"},
	    {"done\n", "\"done\""},
	    {"a\nb\n", "\"a\\nb\""},
	    {"\xFF", "\"\xEF\xBF\xBD\""},
	    {"", "null"},
	};
	struct buf b = {0}, wanted = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		buf_clear(&wanted);
		device_command_answer(
		    &b, SPAN("1.0"), SPAN("X"), "ok", span_of(cases[i][0]));
		buf_printf(&wanted,
		    "{\"id\":1.0,\"device_id\":\"X\",\"status\":\"ok\",\"result\":%s}",
		    cases[i][1]);
		assert_string_equal(buf_str(&b), buf_str(&wanted));
	}
	buf_clear(&b);
	device_command_id_text(&b, SPAN("\"a\\u0062\""));
	assert_string_equal(buf_str(&b), "ab");
	buf_release(&b);
	buf_release(&wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(payload_goes_in_and_output_comes_back),
	    cmocka_unit_test(variables_replace_ours),
	    cmocka_unit_test(words_stay_as_they_are),
	    cmocka_unit_test(failures_are_told),
	    cmocka_unit_test(time_is_limited_for_the_whole_group),
	    cmocka_unit_test(jobs_wait_for_their_turn),
	    cmocka_unit_test(jobs_run_at_once),
	    cmocka_unit_test(freeing_kills_what_runs),
	    cmocka_unit_test(commands_that_cannot_run_are_refused),
	    cmocka_unit_test(only_a_command_with_an_id_is_answered),
	    cmocka_unit_test(answers_keep_the_ids_bytes_and_json_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
