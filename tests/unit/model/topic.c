/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Topic templates: tests/topic/NAME.case are data, a line a fact (see expand.case). */
#include "unit.h"

#include <glob.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/topic.h"

enum { FIELDS = 5 };

static const char *
or_missing(const char *s)
{
	return strcmp(s, "-") == 0 ? NULL : s;
}

static void
fill(struct topic_vars *vars, char *pairs)
{
	static const char *const names[] = {"device_id", "sensor_type", "timestamp"};
	char *save = NULL, *pair;
	int i;

	for (pair = strtok_r(pairs, ";", &save); pair;
	     pair = strtok_r(NULL, ";", &save)) {
		for (i = 0; i < TOPIC_VARS; i++) {
			size_t n = strlen(names[i]);

			if (strncmp(pair, names[i], n) == 0 && pair[n] == '=')
				vars->v[i] = span_of(pair + n + 1);
		}
	}
}

static void
wanted(const char *want, const char *got, const char *line)
{
	if (strcmp(want, got) != 0)
		fail_msg("%s: wanted '%s', got '%s'", line, want, got);
}

static void
wanted_part(const char *part, const struct err *err, const char *line)
{
	if (err->code != ERR_USAGE || strstr(err->text, part) == NULL)
		fail_msg(
		    "%s: wanted an error with '%s', got '%s'", line, part, err->text);
}

/* expand TEMPLATE VARS TOPIC | refuse TEMPLATE VARS ERROR */
static void
case_expand(char **f, const char *line)
{
	struct topic_vars vars = {0};
	struct topic *t = NULL;
	struct err err = {0};
	char *topic = NULL;
	bool refuse = strcmp(f[0], "refuse") == 0;

	fill(&vars, f[2]);
	if (topic_compile(&t, f[1], &err) == 0 &&
	    topic_expand(t, &vars, &topic, &err) == 0) {
		if (refuse)
			fail_msg("%s: wanted an error, got '%s'", line, topic);
		wanted(f[3], topic, line);
	} else if (refuse) {
		wanted_part(f[3], &err, line);
	} else {
		fail_msg("%s: %s", line, err.text);
	}
	free(topic);
	topic_free(t);
}

static void
case_filter(char **f, const char *line)
{
	struct topic *t = NULL;
	struct err err = {0};
	char *filter;

	if (topic_compile(&t, f[1], &err))
		fail_msg("%s: %s", line, err.text);
	filter = topic_filter(t);
	wanted(f[2], filter, line);
	free(filter);
	topic_free(t);
}

/* overlap FILTER FILTER | apart FILTER FILTER */
static void
case_overlap(char **f, const char *line)
{
	const bool wanted = f[0][0] == 'o';

	if (topic_filters_overlap(f[1], f[2]) != wanted ||
	    topic_filters_overlap(f[2], f[1]) != wanted)
		fail_msg("%s: wanted %s", line, f[0]);
}

/* covers FILTER FILTER | bare FILTER FILTER */
static void
case_covers(char **f, const char *line)
{
	if (topic_filter_covers(f[1], f[2]) != (f[0][0] == 'c'))
		fail_msg("%s: wanted %s", line, f[0]);
}

/* match TEMPLATE NAME DEVICE-ID SENSOR-TYPE ("-": not captured) | nomatch TEMPLATE NAME */
static void
case_match(char **f, const char *line)
{
	struct topic_vars vars;
	struct topic *t = NULL;
	struct err err = {0};
	int i;

	if (topic_compile(&t, f[1], &err))
		fail_msg("%s: %s", line, err.text);
	if (topic_match(t, span_of(f[2]), &vars) != (f[0][0] == 'm'))
		fail_msg("%s: wanted %s", line, f[0]);
	for (i = 0; f[0][0] == 'm' && i < 2; i++) {
		const char *want = or_missing(f[3 + i]);

		if ((want == NULL) != (vars.v[i].p == NULL) ||
		    (want != NULL && !span_is(vars.v[i], want)))
			fail_msg(
			    "%s: captured '%.*s'", line, (int)vars.v[i].n, vars.v[i].p);
	}
	topic_free(t);
}

/* id WORD, badid WORD, and the same for name and check (a filter) */
static void
case_check(char **f, const char *line)
{
	struct err err = {0};
	bool bad = strncmp(f[0], "bad", 3) == 0;
	const char *what = f[0] + (bad ? 3 : 0);
	int failed = strcmp(what, "id") == 0 ? topic_check_id(span_of(f[1]), "id", &err)
	    : strcmp(what, "name") == 0      ? topic_check_name(span_of(f[1]), &err)
					     : topic_check_filter(f[1], &err);

	if ((failed != 0) != bad)
		fail_msg("%s: %s", line, failed ? err.text : "accepted");
}

static int
on_line(void *arg, size_t number, char *line, struct err *err)
{
	static const struct {
		const char *verb;
		void (*run)(char **f, const char *line);
	} verbs[] = {{"expand", case_expand}, {"refuse", case_expand},
	    {"filter", case_filter}, {"match", case_match}, {"nomatch", case_match},
	    {"overlap", case_overlap}, {"apart", case_overlap}, {"covers", case_covers},
	    {"bare", case_covers}, {"id", case_check}, {"badid", case_check},
	    {"name", case_check}, {"badname", case_check}, {"check", case_check},
	    {"badcheck", case_check}};
	char empty[] = "";
	char *f[FIELDS + 1] = {empty, empty, empty, empty, empty, empty};
	char where[256];
	size_t i;

	(void)err;
	if (line[0] == '#' || line[0] == '\0')
		return 0;
	snprintf(where, sizeof(where), "%s:%zu: %s", (const char *)arg, number, line);
	for (i = 0; i < FIELDS && line != NULL; i++)
		f[i] = strsep(&line, "\t");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(f[0], verbs[i].verb) == 0) {
			verbs[i].run(f, where);
			return 0;
		}
	}
	fail_msg("%s: unknown verb", where);
	return -1;
}

static void
run_file(void **state)
{
	FILE *in = fopen(*state, "re");
	struct err err = {0};

	assert_non_null(in);
	assert_int_equal(file_lines(in, *state, on_line, *state, &err), 0);
	fclose(in);
}

static void
nul_is_refused_everywhere(void **state)
{
	struct topic_vars vars = {.v = {[TOPIC_DEVICE_ID] = {"a\0b", 3}}};
	struct topic *t = NULL;
	struct err err = {0};
	char *topic = NULL;

	(void)state;
	assert_int_equal(topic_compile(&t, "x/{device_id}", &err), 0);
	assert_int_equal(topic_expand(t, &vars, &topic, &err), -1);
	assert_int_equal(topic_check_name((struct span){"a\0b", 3}, &err), -1);
	assert_int_equal(topic_check_id((struct span){"a\0b", 3}, "id", &err), -1);
	topic_free(t);
}

static void
match_is(const struct topic *t, struct span name, size_t before, size_t behind, bool want)
{
	struct topic_vars vars;

	assert_int_equal(topic_match(t, name, &vars), want);
	if (!want)
		return;
	assert_ptr_equal(vars.v[TOPIC_DEVICE_ID].p, name.p + before);
	assert_int_equal(vars.v[TOPIC_DEVICE_ID].n, name.n - before - behind);
	assert_null(vars.v[TOPIC_SENSOR_TYPE].p);
}

/* Names of every length, in memory of their own, right and with each byte of theirs wrong. */
static void
every_byte_of_a_name_counts(void **state)
{
	static const char *const around[][2] = {{"", ""}, {"a/", ""}, {"", "/b"},
	    {"iot/sensors/", "/data"}, {"iot/sensors/4567", "/234567890123456"},
	    {"iot/sensors/45678", "/d"}, {"i/", "/2345678901234567"}};
	struct err err = {0};
	size_t i, n, at;

	(void)state;
	for (i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		size_t before = strlen(around[i][0]), behind = strlen(around[i][1]);
		char *text = xasprintf("%s{device_id}%s", around[i][0], around[i][1]);
		struct topic *t;

		assert_int_equal(topic_compile(&t, text, &err), 0);
		for (n = 0; n < 40; n++) {
			struct span name = {NULL, before + n + behind};
			char *p = xmalloc(name.n + 1);

			memcpy(p, around[i][0], before);
			memset(p + before, 'x', n);
			memcpy(p + before + n, around[i][1], behind);
			p = xrealloc(p, name.n != 0 ? name.n : 1);
			name.p = p;
			match_is(t, name, before, behind, n > 0);
			for (at = 0; n > 0 && at < name.n; at++) {
				char right = p[at];

				p[at] = right == '/' ? 'y' : '/';
				match_is(t, name, before, behind, false);
				p[at] = right;
			}
			free(p);
		}
		topic_free(t);
		free(text);
	}
}

int
main(void)
{
	struct CMUnitTest tests[32] = {
	    cmocka_unit_test(nul_is_refused_everywhere),
	    cmocka_unit_test(every_byte_of_a_name_counts),
	};
	const char *dir = getenv("IOT_TOPIC_CASES");
	char *pattern = xasprintf("%s/*.case", dir != NULL ? dir : "tests/topic");
	glob_t found;
	size_t i;
	int failed;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 1;
	for (i = 0; i < found.gl_pathc && i < 30; i++)
		tests[i + 2] = (struct CMUnitTest){.name = found.gl_pathv[i],
		    .test_func = run_file,
		    .initial_state = found.gl_pathv[i]};
	failed = _cmocka_run_group_tests("topic", tests, i + 2, NULL, NULL);
	globfree(&found);
	free(pattern);
	return failed;
}
