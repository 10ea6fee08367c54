/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

static void
errors_keep_code_and_gain_context(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no device '%s'", "X"), -1);
	assert_int_equal(err_in(&err, "row %d", 7), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.text, "row 7: no device 'X'");
	assert_int_equal(err_add(&err, ", %d times", 5), -1);
	assert_string_equal(err.text, "row 7: no device 'X', 5 times");
	assert_int_equal(err_set(NULL, ERR_FAILED, "ignored"), -1);
	assert_int_equal(err_add(NULL, "ignored"), -1);
}

/* Text that ends with " [...]", and is before that what `whole` begins with, all UTF-8. */
static void
assert_cut(const char *text, const char *whole)
{
	size_t n = strlen(text);

	assert_true(n > 6 && n < sizeof(((struct err *)NULL)->text));
	assert_string_equal(text + n - 6, " [...]");
	assert_true(utf8_is_valid(text, n));
	assert_memory_equal(text, whole, n - 6);
}

static void
long_errors_are_cut_and_say_so(void **state)
{
	char text[2001];
	struct err err = {0};
	size_t shift, i;

	(void)state;
	for (shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (i = shift; i < sizeof(text) - 3; i += 3)
			memcpy(text + i, "€", 3);
		text[i] = '\0';
		err_set(&err, ERR_FAILED, "%s", text);
		assert_true(strlen(err.text) > sizeof(err.text) - 4);
		assert_cut(err.text, text);
		err_add(&err, ", %d times", 5);
		assert_true(utf8_is_valid(err.text, strlen(err.text)));
		assert_string_equal(strstr(err.text, " ["), " [...], 5 times");
		err_set(&err, ERR_FAILED, "%s", text);
		err_in(&err, "%s", text);
		assert_non_null(strstr(err.text, " [...]: "));
		assert_true(utf8_is_valid(err.text, strlen(err.text)));
		assert_string_equal(err.text + strlen(err.text) - 6, " [...]");
	}
	errno = ENOENT;
	err_sys(&err, ERR_FAILED, "%s", text);
	assert_string_equal(
	    strstr(err.text, " [...]"), " [...]: No such file or directory");
	memset(text, 'x', sizeof(err.text) - 1);
	text[sizeof(err.text) - 1] = '\0';
	err_set(&err, ERR_FAILED, "%s", text);
	assert_string_equal(err.text, text);
}

static void
errors_may_be_no_utf8(void **state)
{
	char text[2001];
	struct err err = {0};

	(void)state;
	memset(text, '\xbf', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_FAILED, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_string_equal(err.text + strlen(err.text) - 6, " [...]");
}

static void
buffers_build_text(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "a");
	buf_u64(&b, UINT64_MAX);
	buf_u64(&b, 0);
	buf_printf(&b, "%s-%d", "z", -5);
	assert_string_equal(buf_str(&b), "a184467440737095516150z--5");
	buf_shift(&b, 23);
	assert_string_equal(buf_str(&b), "--5");
	buf_release(&b);
}

static void
number_is(uint64_t v)
{
	struct buf b = {0};
	char want[32];

	snprintf(want, sizeof(want), "%" PRIu64, v);
	buf_u64(&b, v);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void
numbers_are_as_printf_says(void **state)
{
	uint64_t v, power;

	(void)state;
	for (v = 0; v < 120000; v++)
		number_is(v);
	for (power = 1; power <= UINT64_MAX / 10; power *= 10) {
		number_is(power - 1);
		number_is(power);
		number_is(power + power / 10 + 1);
	}
}

static void
base64_agrees_with_rfc_4648(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = {0};

		base64_put(&b, span_of(cases[i].in));
		assert_string_equal(buf_str(&b), cases[i].out);
		buf_release(&b);
	}
}

static void
times_are_utc_with_microseconds(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_time(&b, 1795438040123456);
	assert_string_equal(buf_str(&b), "2026-11-23T12:47:20.123456Z");
	buf_clear(&b);
	buf_time(&b, -500000);
	assert_string_equal(buf_str(&b), "1969-12-31T23:59:59.500000Z");
	buf_clear(&b);
	buf_time(&b, -62167201200500000);
	assert_string_equal(buf_str(&b), "0000-01-01T04:59:59.500000Z");
	buf_release(&b);
}

static void
lists_split_at_commas(void **state)
{
	struct strv l = {0};

	(void)state;
	strv_split(&l, " a, b ,,c d,", ',');
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "a");
	assert_string_equal(l.v[1], "b");
	assert_string_equal(l.v[2], "c d");
	strv_release(&l);
}

static void
utf8_is_checked_as_rfc_3629(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {{"", true}, {"a\xc3\xb1o", true}, {"\xe2\x82\xac", true},
	    {"\xf0\x9f\x98\x80", true}, {"\xc0\xaf", false}, {"\xe0\x80\xaf", false},
	    {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\x80", false},
	    {"\xc3", false}, {"\xff", false}, {"a\xe2\x82", false}};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    utf8_is_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
}

static void
near_words_are_found(void **state)
{
	static const char *const names[] = {"nombre", "port", "protocol", NULL};

	(void)state;
	assert_string_equal(text_nearest("nmobre", names), "nombre");
	assert_string_equal(text_nearest("prot", names), "port");
	assert_null(text_nearest("xyz", names));
	assert_null(text_nearest("", names));
}

static void
numbers_are_whole_and_within(void **state)
{
	struct err err = {0};
	int64_t v;

	(void)state;
	assert_int_equal(text_int("2", 0, 2, "--qos", &v, &err), 0);
	assert_int_equal(v, 2);
	assert_int_equal(
	    text_int("9223372036854775807", 0, INT64_MAX, "--qos", &v, &err), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(
	    text_int("9223372036854775808", 0, INT64_MAX, "--qos", &v, &err), -1);
	assert_int_equal(text_int("3", 0, 2, "--qos", &v, &err), -1);
	assert_string_equal(err.text, "--qos: '3' is not a whole number from 0 to 2");
	assert_int_equal(text_int("", 0, 2, "--qos", &v, &err), -1);
	assert_int_equal(text_int(" 1", 0, 2, "--qos", &v, &err), -1);
	assert_int_equal(text_int("1x", 0, 2, "--qos", &v, &err), -1);
	assert_int_equal(text_int("99999999999999999999", 0, 2, "--qos", &v, &err), -1);
}

static void
durations_have_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"30", 30000}, {"250ms", 250}, {"1.5s", 1500}, {"10m", 600000},
	    {"2h", 7200000}, {"1d", 86400000}};
	struct err err = {0};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(text_duration(cases[i].text, "-W", &ms, &err), 0);
		assert_int_equal(ms, cases[i].ms);
	}
	assert_int_equal(text_duration("s", "-W", &ms, &err), -1);
	assert_int_equal(text_duration("-1s", "-W", &ms, &err), -1);
	assert_int_equal(text_duration("1w", "-W", &ms, &err), -1);
}

static void
words_say_yes_or_no(void **state)
{
	static const char *const words[][2] = {{"true", "false"}, {"TRUE", "False"},
	    {"yes", "no"}, {"on", "off"}, {"t", "f"}, {"y", "n"}, {"1", "0"}};
	bool yes;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(words); i++) {
		assert_true(text_bool(words[i][0], &yes) && yes);
		assert_true(text_bool(words[i][1], &yes) && !yes);
	}
	yes = true;
	assert_false(
	    text_bool("maybe", &yes) || text_bool("", &yes) || text_bool("2", &yes));
	assert_true(yes);
}

static void
percent_signs_are_decoded(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"plain+", "plain+"},
	    {"a%20b", "a b"}, {"%41%5a%5A", "AZZ"}, {"%2525", "%25"},
	    {"%c3%B1%0a", "\xc3\xb1\n"}, {"%01%10", "\x01\x10"}};
	static const char *const wrong[] = {"%", "a%", "%4", "a%4", "%zz", "%4g", "%g4",
	    "%%41", "%00", "a%00b", "% 41", "%+1", "%:1", "%@1", "%`1", "%\x10\x11",
	    "%1\x10"};
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "%s", cases[i][0]);
		assert_true(text_percent_decode(text));
		assert_string_equal(text, cases[i][1]);
	}
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		snprintf(text, sizeof(text), "%s", wrong[i]);
		assert_false(text_percent_decode(text));
	}
}

static void
doubles_print_in_shortest_form(void **state)
{
	static const char *const cases[] = {"0.1", "21.5", "33.33", "100", "-40",
	    "1e+300", "0.30000000000000004", "48.25", "123456789.123"};
	char out[32];
	double v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(text_double(cases[i], &v));
		text_from_double(out, v);
		assert_string_equal(out, cases[i]);
	}
	assert_false(text_double("nan", &v));
	assert_false(text_double("1e999", &v));
	assert_false(text_double("0x10", &v));
	assert_false(text_double("1,5", &v));
}

static void
files_are_replaced_whole_and_private(void **state)
{
	char dir[] = "/tmp/iot-unit.XXXXXX";
	struct err err = {0};
	struct buf b = {0};
	struct stat st;
	char *secret = NULL;
	char *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/a/b/file", dir);
	assert_int_equal(file_write(path, SPAN("pass word\n"), 0600, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 100, &b, &err), 0);
	assert_string_equal(buf_str(&b), "pass word\n");
	assert_int_equal(file_read(path, 3, &b, &err), -1);
	assert_int_equal(file_read_secret(path, &secret, &err), 0);
	assert_string_equal(secret, "pass word");
	mem_free_secret(secret);
	assert_int_equal(file_write_new(path, SPAN("other\n"), 0600, &err), 0);
	assert_int_equal(file_read_secret(path, &secret, &err), 0);
	assert_string_equal(secret, "pass word");
	mem_free_secret(secret);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(file_read_secret(path, &secret, &err), -1);
	assert_non_null(strstr(err.text, "chmod 600"));
	buf_release(&b);
	free(path);
	path = xasprintf("rm -r %s", dir);
	assert_int_equal(system(path), 0);
	free(path);
}

/* What is at a path now. */
static void
assert_holds(const char *dir, const char *name, const char *contents)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf b = {0};

	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	assert_string_equal(buf_str(&b), contents);
	buf_release(&b);
	free(path);
}

static void
assert_is_link(const char *dir, const char *name, bool wanted)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(S_ISLNK(st.st_mode), wanted);
	free(path);
}

static void
write_at(const char *dir, const char *name, const char *contents)
{
	char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(file_write(path, span_of(contents), 0600, NULL), 0);
	free(path);
}

static void
links_stay_and_lead_to_what_is_written(void **state)
{
	static const char *const links[][2] = {{"dots/file", "near"}, {"near", "chain"},
	    {"dots/none", "dangling"}, {"new/deep/none", "homeless"}, {"round", "about"},
	    {"about", "round"}};
	char dir[] = "/tmp/iot-unit.XXXXXX";
	struct stat st;
	char *path;
	size_t i;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < ARRAY_LEN(links); i++) {
		path = xasprintf("%s/%s", dir, links[i][1]);
		assert_int_equal(symlink(links[i][0], path), 0);
		free(path);
	}
	write_at(dir, "dots/file", "old");
	write_at(dir, "chain", "new");
	assert_holds(dir, "dots/file", "new");
	assert_is_link(dir, "chain", true);
	assert_is_link(dir, "near", true);
	assert_is_link(dir, "dots/file", false);
	path = xasprintf("%s/dots/file", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(path);

	write_at(dir, "dangling", "made");
	assert_is_link(dir, "dangling", true);
	assert_holds(dir, "dots/none", "made");
	path = xasprintf("%s/homeless", dir);
	assert_true((fd = file_lock(path, NULL)) >= 0);
	close(fd);
	free(path);
	write_at(dir, "homeless", "housed");
	assert_is_link(dir, "homeless", true);
	assert_holds(dir, "new/deep/none", "housed");

	if (geteuid() == 0) {
		path = xasprintf("%s/chain", dir);
		assert_int_equal(lchown(path, 65534, 65534), 0);
		free(path);
		write_at(dir, "chain", "not where another sends it");
		assert_is_link(dir, "chain", false);
		assert_holds(dir, "dots/file", "new");
	}

	write_at(dir, "about", "out of the circle");
	assert_is_link(dir, "about", false);
	assert_holds(dir, "round", "out of the circle");
	path = xasprintf("rm -r %s", dir);
	assert_int_equal(system(path), 0);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_keep_code_and_gain_context),
	    cmocka_unit_test(long_errors_are_cut_and_say_so),
	    cmocka_unit_test(errors_may_be_no_utf8),
	    cmocka_unit_test(buffers_build_text),
	    cmocka_unit_test(numbers_are_as_printf_says),
	    cmocka_unit_test(base64_agrees_with_rfc_4648),
	    cmocka_unit_test(times_are_utc_with_microseconds),
	    cmocka_unit_test(lists_split_at_commas),
	    cmocka_unit_test(utf8_is_checked_as_rfc_3629),
	    cmocka_unit_test(near_words_are_found),
	    cmocka_unit_test(numbers_are_whole_and_within),
	    cmocka_unit_test(durations_have_units),
	    cmocka_unit_test(words_say_yes_or_no),
	    cmocka_unit_test(percent_signs_are_decoded),
	    cmocka_unit_test(doubles_print_in_shortest_form),
	    cmocka_unit_test(files_are_replaced_whole_and_private),
	    cmocka_unit_test(links_stay_and_lead_to_what_is_written),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
