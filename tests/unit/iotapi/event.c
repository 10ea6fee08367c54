/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server's log: logfmt, and what comes again told once a minute with its count. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "iotapi/event.h"

enum { MINUTE = 60001 };

static int kept, pipe_ends[2];

/* What was written since the last time, without the times in front. */
static char *
written(void)
{
	static char text[16384];
	char raw[16384], *at = raw, *end;
	ssize_t n = read(pipe_ends[0], raw, sizeof(raw) - 1);
	size_t used = 0;

	raw[n > 0 ? n : 0] = '\0';
	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		const char *from = strchr(at, ' ') + 1;

		assert_memory_equal(at, "time=20", 7);
		memcpy(text + used, from, (size_t)(end + 1 - from));
		used += (size_t)(end + 1 - from);
	}
	text[used] = '\0';
	return text;
}

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
	kept = dup(STDERR_FILENO);
	dup2(pipe_ends[1], STDERR_FILENO);
	log_init("event", LOG_INFO);
	event_start();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	event_end();
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return 0;
}

static void
lines_are_logfmt(void **state)
{
	char *text;

	(void)state;
	log_info("one");
	log_warn("two words, \"quoted\" \\ \x1b[31m \xff\n");
	log_debug("nobody asked");
	event_error("path", "/a b/", "%s", "");
	event_notice("x=%d", 1);
	text = written();
	assert_string_equal(text,
	    "level=info msg=one\n"
	    "level=warn msg=\"two words, \\\"quoted\\\" \\\\ \\\\x1b[31m "
	    "\\\\xff\\\\x0a\"\n"
	    "level=error msg=\"\" path=\"/a b/\"\n"
	    "level=info msg=\"x=1\"\n");
}

static void
what_is_long_is_cut(void **state)
{
	char value[3000];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	event_error("value", value, "%s", value);
	assert_int_equal(
	    strlen(written()), strlen("level=error msg= value=\n") + 2 * 512);
}

static void
failures_are_told_once_a_minute(void **state)
{
	const int64_t now = clock_ms();

	(void)state;
	log_warn("down");
	event_error("path", "/1/", "failed");
	log_warn("down");
	log_error("down");
	event_error("path", "/2/", "failed");
	event_error("path", "/3/", "failed");
	log_info("up");
	log_info("up");
	assert_string_equal(written(),
	    "level=warn msg=down\nlevel=error msg=failed path=/1/\nlevel=error msg=down\n"
	    "level=info msg=up\nlevel=info msg=up\n");
	event_tick(now + MINUTE / 2);
	assert_string_equal(written(), "");
	event_tick(now + MINUTE);
	assert_non_null(
	    strstr(written(), "level=error msg=failed path=/3/ repeated=2\n"));
	log_warn("down");
	assert_string_equal(written(), "");
	event_tick(now + 2 * MINUTE);
	assert_string_equal(written(), "level=warn msg=down repeated=1\n");
	event_tick(now + 4 * MINUTE);
	event_tick(now + 5 * MINUTE);
	assert_string_equal(written(), "");
	log_warn("down");
	assert_string_equal(written(), "level=warn msg=down\n");
}

static void
no_count_is_lost(void **state)
{
	char *text;
	int i;

	(void)state;
	log_warn("first");
	log_warn("first");
	for (i = 0; i < 64; i++)
		log_warn("failure %d", i);
	text = written();
	assert_non_null(strstr(text, "level=warn msg=first repeated=1\n"));
	log_warn("failure 63");
	event_end();
	assert_string_equal(written(), "level=warn msg=\"failure 63\" repeated=1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lines_are_logfmt, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_long_is_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		failures_are_told_once_a_minute, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_count_is_lost, setup, teardown),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
