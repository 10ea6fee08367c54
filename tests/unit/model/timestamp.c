/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "model/timestamp.h"

/* When the messages of tests/time/device.case came: 2026-11-29T13:00:00Z. */
static const int64_t received = 1795957200 * INT64_C(1000000);

static void
times_are_read_in_every_form(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
	    {"1970-01-01T00:00:01Z", 1000000},
	    {"1970-01-01 00:00:01", 1000000},
	    {"1970-01-01T00:01", 60000000},
	    {"1970-01-01T01:00:00.5+01:00", 500000},
	    {"1970-01-01T00:00:00.1234567Z", 123456},
	    {"1969-12-31T18:00:00-0600", 0},
	    {"2024-02-29T00:00:00Z", 1709164800000000},
	    {"9999-12-31T23:59:59.999999Z", 253402300799999999},
	};
	static const char *const bad[] = {"", "ayer", "2026", "2026-01-01",
	    "2026-13-01T00:00", "2026-02-29T00:00", "2026-01-01T24:00",
	    "2026-01-01T00:60", "2026-01-01T00:00:00 00:00", "2026-01-01T00:00:00Zx",
	    "2026-01-01T00:00:00+25:00", "2026-1-1T00:00", "1969-12-31T23:59:59.5Z",
	    "9999-12-31T23:59:59-01:00"};
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(timestamp_parse(good[i].text, &us));
		assert_int_equal(us, good[i].us);
	}
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(timestamp_parse(bad[i], &us));
}

/* What a server may show for a time that it was sent, at 2026-11-29T13:00:00Z. */
static void
times_are_kept_whatever_their_zone(void **state)
{
	static const char sent[] = "2026-11-20T12:47:20.123456Z";
	static const struct {
		const char *sent, *shown, *zone;
		enum timestamp_kept kept;
	} t[] = {
	    {sent, "2026-11-20T12:47:20.123456Z", NULL, TIME_KEPT},
	    {sent, "2026-11-20 12:47:20", NULL, TIME_KEPT},
	    {sent, "2026-11-20 12:47:21", NULL, TIME_KEPT},
	    {sent, "2026-11-20 12:47:21.2", NULL, TIME_CHANGED},
	    {sent, "2026-11-20 12:47:19.123456", NULL, TIME_KEPT},
	    {sent, "2026-11-20 12:47:19", NULL, TIME_CHANGED},
	    {sent, "2026-11-20 06:47:20", NULL, TIME_KEPT},
	    {sent, "2026-11-20 06:47:20", "America/Mexico_City", TIME_KEPT},
	    {sent, "2026-11-20T06:47:20-06:00", NULL, TIME_KEPT},
	    {sent, "2026-11-20 18:32:20", NULL, TIME_KEPT}, /* Kathmandu */
	    {sent, "2026-11-20 18:39:20", NULL, TIME_CHANGED},
	    {sent, "2026-11-21 02:47:20", NULL, TIME_KEPT},
	    {sent, "2026-11-19 22:47:20", NULL, TIME_KEPT},
	    {sent, "2026-11-21 03:02:20", NULL, TIME_CHANGED},
	    {sent, "2026-11-19 22:32:20", NULL, TIME_CHANGED},
	    {sent, "2026-11-29 07:00:00", NULL, TIME_CHANGED},
	    {sent, "ayer", NULL, TIME_UNTOLD},
	    /* What was sent is a whole offset before the moment of storing. */
	    {"2026-11-29T11:00:00Z", "2026-11-29T11:00:00Z", NULL, TIME_KEPT},
	    {"2026-11-29T11:00:00Z", "2026-11-29T13:00:00Z", NULL, TIME_CHANGED},
	    {"2026-11-29T11:00:00Z", "2026-11-29 07:00:00", NULL, TIME_UNTOLD},
	    {"2026-11-29T13:00:00Z", "2026-11-29 13:00:00", NULL, TIME_KEPT},
	    {"2026-11-29T07:00:00Z", "2026-11-29 07:00:00", NULL, TIME_UNTOLD},
	    {"2026-11-29T11:00:00Z", "2026-11-29 05:00:00", "America/Mexico_City",
		TIME_KEPT},
	    {"2026-11-29T11:00:00Z", "2026-11-29 07:00:00", "America/Mexico_City",
		TIME_CHANGED},
	    {"2026-11-29T12:59:59Z", "2026-11-29 07:00:00", NULL, TIME_KEPT}, /* now */
	    {"2026-11-29T11:00:00", "2026-11-29 11:00:00", NULL, TIME_KEPT},
	    {"2026-11-29T05:00:00", "2026-11-29 07:00:00", NULL, TIME_CHANGED},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		enum timestamp_kept kept =
		    timestamp_kept(t[i].sent, t[i].shown, t[i].zone, received);

		if (kept != t[i].kept)
			fail_msg("%s shown as %s: %d", t[i].sent, t[i].shown, (int)kept);
	}
}

/* Puts in {+N} and {T+N}, as device.case tells; braces without a sign are JSON's. */
static void
expand(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		bool is_text = strncmp(text, "{T", 2) == 0;
		const char *sign = text + 1 + is_text;
		char *end;
		int64_t us;

		if (*text != '{' || strchr("+-", *sign) == NULL) {
			buf_putc(out, *text);
			continue;
		}
		us = received + strtoll(sign, &end, 10) * 1000000;
		if (is_text)
			buf_time(out, us);
		else
			buf_printf(out, "%lld", (long long)(us / 1000000));
		text = end;
	}
}

static void
check_device_time(const char *value, const char *want)
{
	struct buf json = {0}, number = {0};
	struct span checked;
	int64_t us = -1;

	expand(&json, value);
	expand(&number, want);
	if (!json_check(buf_as_span(&json), &checked, NULL))
		fail_msg("%s: no JSON", buf_str(&json));
	if (timestamp_of_device(checked, received, &us) != (*want != '-') ||
	    (*want != '-' && us != strtoll(buf_str(&number), NULL, 10)))
		fail_msg(
		    "%s: wanted %s, got %lld", value, buf_str(&number), (long long)us);
	buf_release(&json);
	buf_release(&number);
}

static void
a_device_tells_its_time_in_any_unit(void **state)
{
	FILE *f = fopen("tests/time/device.case", "re");
	char line[256], *tab;
	int cases = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		tab = strchr(line, '\t');
		assert_non_null(tab);
		*tab = '\0';
		check_device_time(line, tab + 1);
		cases++;
	}
	assert_true(cases >= 40);
	assert_false(timestamp_of_device((struct span){0}, received, &(int64_t){0}));
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_read_in_every_form),
	    cmocka_unit_test(times_are_kept_whatever_their_zone),
	    cmocka_unit_test(a_device_tells_its_time_in_any_unit),
	};

	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
