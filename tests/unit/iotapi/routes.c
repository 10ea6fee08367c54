/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what: every path with every verb, for nobody, for one who may only read, and for an admin. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "iotapi/api/users.h"
#include "iotapi/app.h"
#include "iotapi/http/request.h"
#include "iotapi/http/routes.h"

/* What each verb of a path is: o open to anybody, r for all who have a token, w for admins; in the order in which Allow
 * names them. */
static const struct path {
	const char *path, *verbs;
} paths[] = {
    {"/api/auth/login/", "POST:o"},
    {"/api/auth/refresh/", "POST:o"},
    {"/api/users/me/", "GET:r"},
    {"/api/mqtt/brokers/", "GET:r POST:w"},
    {"/api/mqtt/brokers/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/mqtt/brokers/{id}/activate/", "POST:w"},
    {"/api/mqtt/brokers/{id}/deactivate/", "POST:w"},
    {"/api/mqtt/test-connection/", "POST:w"},
    {"/api/mqtt/auth/", "POST:r"},
    {"/api/mqtt/acl/", "POST:o"}, /* who has no token is answered with a denial */
    {"/api/mqtt/broker-status/", "GET:r"},
    {"/api/mqtt/topics/", "GET:r POST:w"},
    {"/api/mqtt/topics/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/mqtt/topics/publish_topics/", "GET:r"},
    {"/api/mqtt/topics/subscribe_topics/", "GET:r"},
    {"/api/mqtt/credentials/", "GET:r POST:w"},
    {"/api/mqtt/credentials/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/mqtt/device-config/", "GET:r POST:w"},
    {"/api/mqtt/device-config/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/mqtt/device-config/{id}/update_connection_status/", "POST:w"},
    {"/api/mqtt/device-status/", "GET:r"},
    {"/api/devices/", "GET:r POST:w"},
    {"/api/devices/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/devices/{id}/assign_sensor/", "POST:w"},
    {"/api/devices/{id}/remove_sensor/", "DELETE:w"},
    {"/api/sensors/", "GET:r POST:w"},
    {"/api/sensors/{id}/", "GET:r PUT:w PATCH:w DELETE:w"},
    {"/api/readings/", "DELETE:w GET:r POST:w"},
    {"/api/readings/{id}/", "GET:r"},
    {"/api/readings/bulk/", "POST:w"},
    {"/api/readings/rejects/", "GET:r"},
    {"/healthz/", "GET:o"},
    {"/metrics/", "GET:r"},
};

static const char *const verbs[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
enum who { NOBODY, READER, ADMIN, OTHERS };
static const char *const names[OTHERS] = {"nobody", "a reader", "an admin"};

struct site {
	struct app app;
	char dir[32];
	char *tokens[OTHERS]; /* as headers; NULL: none */
	const char *name;
	struct users_grant grant;
};

static int
make_token(struct db *db, void *arg, struct err *err)
{
	struct site *s = arg;
	char *token;

	if (db_run(db, err,
		"INSERT INTO person (id, username, password_hash, created_at, read_only) "
		"VALUES (1, 'ana', 'x', '', 0), (2, 'eva', 'x', '', 1) ON CONFLICT DO "
		"NOTHING",
		""))
		return -1;
	token = users_token(db, &s->grant, err);
	if (token == NULL)
		return -1;
	s->name = xasprintf("Bearer %s", token);
	mem_free_secret(token);
	return 0;
}

static char *
header(struct site *s, int64_t person, bool read_only)
{
	struct err err = {0};

	s->grant = (struct users_grant){
	    .person = person, .kind = TOKEN_LONG, .read_only = read_only};
	assert_int_equal(store_run(s->app.store, make_token, s, &err), 0);
	return (char *)s->name;
}

static void
site_open(struct site *s)
{
	struct topicopts topics = {0};
	struct err err = {0};
	char *path, *key;

	*s = (struct site){.dir = "/tmp/iot-routes.XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	path = xasprintf("%s/iotapi.db", s->dir);
	key = xasprintf("%s.key", path);
	if (app_open(&s->app, path, key, &topics, &err))
		print_message("# %s\n", err.text);
	assert_int_equal(err.code, ERR_OK);
	free(key);
	free(path);
}

static void
site_close(struct site *s)
{
	char *remove = xasprintf("rm -r %s", s->dir);
	int i;

	app_close(&s->app);
	assert_int_equal(system(remove), 0);
	free(remove);
	for (i = 0; i < OTHERS; i++)
		free(s->tokens[i]);
}

/* The status of a request with an empty object as its body; Allow to `allow` (NULL: nowhere). */
static unsigned
ask(struct site *s, const char *verb, const char *pattern, enum who who, char allow[64])
{
	struct request rq = {.app = &s->app, .method = verb};
	const char *hole = strstr(pattern, "{id}");
	char *target = hole == NULL
	    ? xstrdup(pattern)
	    : xasprintf("%.*s1%s", (int)(hole - pattern), pattern, hole + 4);
	unsigned status;

	assert_int_equal(request_target(&rq, target), 0);
	if (s->tokens[who] != NULL)
		rq.authorization = xstrdup(s->tokens[who]);
	buf_puts(&rq.body, "{}");
	routes_find(&rq);
	routes_serve(&rq);
	if (allow != NULL)
		memcpy(allow, rq.allow, 64);
	status = rq.status;
	request_release(&rq);
	free(target);
	return status;
}

/* What the table says of a verb: a letter, '-' for one that the path does not have. */
static char
kind_of(const struct path *p, const char *verb)
{
	char *word = xasprintf("%s:", strcmp(verb, "HEAD") == 0 ? "GET" : verb);
	const char *at = strstr(p->verbs, word);
	size_t n = strlen(word);

	free(word);
	return at != NULL ? at[n] : '-';
}

/* 0: any but 401, 403 and 405. */
static unsigned
wanted(char kind, enum who who)
{
	if (kind == 'o')
		return 0;
	if (who == NOBODY)
		return 401;
	if (kind == '-')
		return 405;
	return kind == 'w' && who == READER ? 403 : 0;
}

static void
check(struct site *s, const struct path *p, const char *verb, enum who who, int *bad)
{
	const unsigned want = wanted(kind_of(p, verb), who);
	const unsigned got = ask(s, verb, p->path, who, NULL);

	if (want != 0 ? got == want : got != 401 && got != 403 && got != 405)
		return;
	print_message(
	    "# %s %s by %s: wanted %u, got %u\n", verb, p->path, names[who], want, got);
	++*bad;
}

/* The table has all verbs of a path. */
static void
check_allow(struct site *s, const struct path *p, int *bad)
{
	char allow[64], said[64] = "";
	const char *word;

	for (word = p->verbs; *word != '\0'; word += strcspn(word, " ")) {
		word += strspn(word, " ");
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%.*s",
		    said[0] != '\0' ? ", " : "", (int)strcspn(word, ":"), word);
	}
	ask(s, "BREW", p->path, ADMIN, allow);
	if (strcmp(allow, said) == 0)
		return;
	print_message("# %s: wanted Allow: %s, got: %s\n", p->path, said, allow);
	++*bad;
}

static void
every_path_verb_and_role(void **state)
{
	struct site s;
	size_t i, v;
	int who, bad = 0;

	(void)state;
	site_open(&s);
	s.tokens[ADMIN] = header(&s, 1, false);
	s.tokens[READER] = header(&s, 2, false);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		check_allow(&s, &paths[i], &bad);
		for (v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++) {
			for (who = 0; who < OTHERS; who++)
				check(&s, &paths[i], verbs[v], (enum who)who, &bad);
		}
	}
	assert_int_equal(bad, 0);
	site_close(&s);
}

static void
a_token_may_less_than_its_user(void **state)
{
	struct site s;

	(void)state;
	site_open(&s);
	s.tokens[ADMIN] = header(&s, 1, true);
	s.tokens[READER] = header(&s, 1, false);
	assert_int_equal(ask(&s, "GET", "/api/devices/", ADMIN, NULL), 200);
	assert_int_equal(ask(&s, "POST", "/api/devices/", ADMIN, NULL), 403);
	assert_int_equal(ask(&s, "POST", "/api/devices/", READER, NULL), 400);
	site_close(&s);
}

/* The status of a new sensor whose answer is long. */
static unsigned
make_long_sensor(struct site *s)
{
	struct request rq = {.app = &s->app, .method = "POST"};
	unsigned status;
	int i;

	assert_int_equal(request_target(&rq, "/api/sensors/"), 0);
	rq.authorization = xstrdup(s->tokens[ADMIN]);
	buf_puts(&rq.body,
	    "{\"nombre\":\"T\",\"tipo\":\"temperatura\",\"unidad_medida\":\"C\","
	    "\"rango_min\":0,\"rango_max\":1,\"descripcion\":\"");
	for (i = 0; i < 700000; i++)
		buf_putc(&rq.body, 'a');
	buf_puts(&rq.body, "\"}");
	routes_find(&rq);
	routes_serve(&rq);
	status = rq.status;
	if (status != 201)
		assert_null(rq.location);
	request_release(&rq);
	return status;
}

static void
what_is_to_come_again_is_not_done(void **state)
{
	struct site s;
	struct err err = {0};
	struct db *db;

	(void)state;
	site_open(&s);
	s.tokens[ADMIN] = header(&s, 1, false);
	atomic_store(&s.app.held, (size_t)REQUEST_HELD_MOST);
	assert_int_equal(make_long_sensor(&s), 503);
	db = store_reader(s.app.store, &err);
	assert_int_equal(db_number(db, -1, "SELECT count(*) FROM sensor", ""), 0);
	store_reader_done(s.app.store, db);
	assert_int_equal(atomic_load(&s.app.held), REQUEST_HELD_MOST);
	atomic_store(&s.app.held, 0);
	assert_int_equal(make_long_sensor(&s), 201);
	assert_int_equal(atomic_load(&s.app.held), 0);
	site_close(&s);
}

/* How many bytes it tells when a request of this path is put off. */
static size_t
told(struct site *s, const char *path)
{
	struct request rq = {.app = &s->app, .method = "POST"};
	const int was = dup(STDERR_FILENO);
	char text[512];
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	assert_int_equal(request_target(&rq, path), 0);
	routes_find(&rq);
	routes_refuse(&rq, 2);
	dup2(was, STDERR_FILENO);
	n = read(ends[0], text, sizeof(text));
	close(was);
	close(ends[0]);
	close(ends[1]);
	assert_int_not_equal(rq.status, 0);
	request_release(&rq);
	return n > 0 ? (size_t)n : 0;
}

static void
an_end_is_not_told_as_load(void **state)
{
	static const char *const logins[] = {"/api/auth/login/", "/api/mqtt/auth/"};
	struct site s;
	size_t i;

	(void)state;
	site_open(&s);
	for (i = 0; i < 2; i++) {
		atomic_store(&s.app.stopping, true);
		assert_int_equal(told(&s, logins[i]), 0);
		atomic_store(&s.app.stopping, false);
		assert_int_not_equal(told(&s, logins[i]), 0);
	}
	site_close(&s);
}

static bool
is_listed(struct span path)
{
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (span_is(path, paths[i].path))
			return true;
	}
	return false;
}

/* Each path of the table of routes, which is where they are written down, and of the schema. */
static void
no_path_is_forgotten(void **state)
{
	const struct schema_resource *r;
	struct buf text = {0};
	struct err err = {0};
	const char *at;
	int bad = 0, n = 0;

	(void)state;
	assert_int_equal(file_read("cmd/iotapi/http/routes.c", 1 << 20, &text, &err), 0);
	for (at = buf_str(&text); (at = strstr(at, "\", \"/")) != NULL; n++) {
		struct span path = {at + 4, strcspn(at + 4, "\"")};

		at += 4;
		if (is_listed(path))
			continue;
		print_message("# not in this table: %.*s\n", (int)path.n, path.p);
		bad++;
	}
	assert_true(n >= 15);
	for (r = schema; r->name != NULL; r++) {
		char *one = xasprintf("%s{id}/", r->path);

		if (!r->optional &&
		    (!is_listed(span_of(r->path)) || !is_listed(span_of(one)))) {
			print_message("# not in this table: %s\n", one);
			bad++;
		}
		free(one);
	}
	buf_release(&text);
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_path_verb_and_role),
	    cmocka_unit_test(a_token_may_less_than_its_user),
	    cmocka_unit_test(what_is_to_come_again_is_not_done),
	    cmocka_unit_test(an_end_is_not_told_as_load),
	    cmocka_unit_test(no_path_is_forgotten),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
