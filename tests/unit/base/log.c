/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "unit.h"

/* What log_error() writes of a text. */
static void
logged(char *out, size_t room, const char *text)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	log_error("%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(out, 1, room - 1, file);
	out[n] = '\0';
	fclose(file);
}

static void
lines_keep_their_characters(void **state)
{
	char out[256];

	(void)state;
	logged(out, sizeof(out), "el campo «año» no está, \xff\xc3 \x1b[2J\n");
	assert_string_equal(
	    out, "test: el campo «año» no está, \\xff\\xc3 \\x1b[2J\\x0a\n");
}

static void
a_longer_line_says_what_is_left_out(void **state)
{
	char text[4001], out[16000], note[64];
	size_t shift, i, n;

	(void)state;
	for (shift = 0; shift < 3; shift++) {
		memset(text, 'x', shift);
		for (i = shift; i < sizeof(text) - 3; i += 3)
			memcpy(text + i, "€", 3);
		text[i] = '\0';
		logged(out, sizeof(out), text);
		assert_true(utf8_is_valid(out, strlen(out)));
		assert_non_null(strstr(out, " [... "));
		n = (size_t)(strstr(out, " [... ") - out) - strlen("test: ");
		assert_true(n > 2044 && n <= 2048);
		assert_memory_equal(out + strlen("test: "), text, n);
		snprintf(note, sizeof(note), " [... %zu bytes more]\n", i - n);
		assert_string_equal(strstr(out, " [... "), note);
	}
	memset(text, '\x1b', sizeof(text) - 1);
	text[2048] = '\0';
	logged(out, sizeof(out), text);
	assert_int_equal(strlen(out), strlen("test: ") + 4 * 2048 + 1);
}

/* A translation may be of any length. */
static const char *long_text;

char *
dcgettext(const char *domain, const char *text, int category)
{
	(void)domain;
	(void)category;
	return (char *)(uintptr_t)(strstr(text, "left out") != NULL && long_text != NULL
		? long_text
		: text);
}

/* Fills a pipe that nobody reads, logs, reads it and logs again. */
static size_t
log_into_full_pipe(char *out, size_t room)
{
	int ends[2], saved = dup(STDERR_FILENO);
	static const char block[PIPE_BUF];
	ssize_t n;
	size_t got = 0;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	dup2(ends[1], STDERR_FILENO);
	log_error("lost");
	while (read(ends[0], out, room) > 0)
		;
	log_error("kept");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	while ((n = read(ends[0], out + got, room - got - 1)) > 0)
		got += (size_t)n;
	out[got] = '\0';
	close(ends[0]);
	return got;
}

static void
what_is_left_out_is_counted_in_any_language(void **state)
{
	char out[8192], translation[1000];
	size_t i;

	(void)state;
	log_never_wait();
	log_into_full_pipe(out, sizeof(out));
	assert_string_equal(out,
	    "test: 1 line is left out here: standard error was not read\n"
	    "test: kept\n");
	for (i = 0; i + 3 < sizeof(translation); i += 3)
		memcpy(translation + i, "€", 3);
	translation[i] = '\0';
	long_text = translation;
	log_into_full_pipe(out, sizeof(out));
	long_text = NULL;
	assert_true(utf8_is_valid(out, strlen(out)));
	assert_string_equal(strchr(out, '\n'), "\ntest: kept\n");
	assert_true(strchr(out, '\n') - out < 256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_keep_their_characters),
	    cmocka_unit_test(a_longer_line_says_what_is_left_out),
	    cmocka_unit_test(what_is_left_out_is_counted_in_any_language),
	};

	log_init("test", LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
