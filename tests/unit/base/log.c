/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_keep_their_characters),
	    cmocka_unit_test(a_longer_line_says_what_is_left_out),
	};

	log_init("test", LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
