/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/http_log.h"

#include <unistd.h>

#include "unit.h"

static void
shows(const struct http_log_request *r, const char *want)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	char text[2048];
	size_t n;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	http_log(r);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	assert_string_equal(text, want);
}

static void
values_of_a_query_may_be_secrets(void **state)
{
	static const struct {
		const char *target, *shown;
	} cases[] = {
	    {"/api/x/", "/api/x/"},
	    {"/api/x/?page=2&page_size=9&ordering=-id",
		"/api/x/?page=2&page_size=9&ordering=-id"},
	    {"/api/x/?token=canary&page=2", "/api/x/?token=*&page=2"},
	    {"/api/x/?canary", "/api/x/?*"},
	    {"/api/x/?Canary=1&=canary&&a;b=canary", "/api/x/?*&*&*&*;b=*"},
	    {"/api/x/?p%61ge=canary&page_size2=3", "/api/x/?*&*"},
	    {"/api/x/?a=b?page=1#canary", "/api/x/?a=*?page=1#*"},
	    {"http://user:canary@host/", "*"},
	    {"/a\x1b[2J", "/a\\x1b[2J"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_log_request r = {.method = "GET",
		    .target = cases[i].target,
		    .status = 200,
		    .ms = 12,
		    .bytes = 34};
		char want[256];

		snprintf(want, sizeof(want),
		    "test: http > GET %s status=200 ms=12 bytes=34\n", cases[i].shown);
		shows(&r, want);
	}
}

static void
what_is_missing_or_long(void **state)
{
	char target[1000], want[400];
	struct http_log_request r = {.served = true, .target = "/", .ms = 5};

	(void)state;
	shows(&r, "test: http < - / status=none ms=5\n");
	memset(target, '/', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	r.method = "A-METHOD-OF-SOME-LENGTH";
	r.target = target;
	r.status = 404;
	snprintf(want, sizeof(want),
	    "test: http < A-METHOD-OF-SOME %.256s[...] status=404 ms=5 bytes=0\n",
	    target);
	shows(&r, want);
	log_init("test", LOG_INFO);
	shows(&r, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_of_a_query_may_be_secrets),
	    cmocka_unit_test(what_is_missing_or_long),
	};

	log_init("test", LOG_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
