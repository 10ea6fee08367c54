/* SPDX-License-Identifier: GPL-3.0-or-later */
/* On the way to a connection: descriptors, lookups, TLS, refusals, and a fleet that connects at once. What
 * libmosquitto, the C library and brokers do there to whoever trusts them. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <time.h>

#include "broker.h"
#include "loop/limiter.h"
#include "loop/resolve.h"
#include "rig.h"

enum { MANY = 50 };

/* A lookup that takes its time, counted. Everything else is the C library's. */
static int slow_lookups;

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

	if (strcmp(node, "slow.invalid") == 0 &&
	    (hints == NULL || (hints->ai_flags & AI_NUMERICHOST) == 0)) {
		slow_lookups++;
		usleep(500000);
		node = "127.0.0.1"; /* which is one on every machine */
	}
	return real(node, service, hints, out);
}

static int
count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
descriptors_of_many(const struct broker *b, bool lean)
{
	struct rig s = {.stop_at_ups = MANY};
	struct session_opts o = rig_to(b->sock, 0);
	struct session *v[MANY];
	int before, n, i;

	o.lean = lean;
	s.loop = loop_new(NULL);
	before = count_descriptors();
	for (i = 0; i < MANY; i++)
		v[i] = rig_session(&s, &o);
	for (i = 0; i < MANY; i++)
		session_start(v[i]);
	rig_run(&s, 20000);
	assert_int_equal(s.ups, MANY);
	n = count_descriptors() - before;
	for (i = 0; i < MANY; i++)
		session_free(v[i]);
	loop_free(s.loop);
	return n;
}

static void
a_lean_session_takes_one_descriptor(void **state)
{
	struct rlimit before, after;

	getrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(descriptors_of_many(*state, true), MANY);
	getrlimit(RLIMIT_NOFILE, &after);
	assert_int_equal(before.rlim_cur, after.rlim_cur);
	/* The control: without it libmosquitto takes two more. */
	assert_int_equal(descriptors_of_many(*state, false), 3 * MANY);
}

struct ticking {
	struct rig rig;
	struct loop_timer tick;
	int ticks;
};

static void
count_tick(void *arg)
{
	struct ticking *t = arg;

	t->ticks++;
	loop_timer_set(t->rig.loop, &t->tick, 10, count_tick, t);
}

static void
a_slow_lookup_blocks_nothing_and_is_asked_once(void **state)
{
	struct ticking s = {0};
	struct session_opts o = rig_to("slow.invalid", 1), lean = o;
	struct session *second, *third;
	int before;

	(void)state;
	rig_begin(&s.rig, &o);
	second = rig_session(&s.rig, &o);
	session_start(second);
	loop_timer_set(s.rig.loop, &s.tick, 10, count_tick, &s);
	assert_int_equal(resolve_running(), 1);
	/* While it goes on, no descriptor is denied to it. */
	lean.lean = true;
	before = count_descriptors();
	third = rig_session(&s.rig, &lean);
	assert_int_equal(count_descriptors() - before, 2);
	rig_run(&s.rig, 5000);
	assert_int_equal(resolve_running(), 0);
	assert_int_equal(slow_lookups, 1);
	assert_string_equal(
	    s.rig.ended.text, "cannot reach broker 'slow.invalid:1': connection refused");
	if (s.rig.ends < 2)
		rig_run(&s.rig, 5000);
	assert_int_equal(s.rig.ends, 2);
	print_message("# %d ticks meanwhile\n", s.ticks);
	assert_true(s.ticks >= 5);
	loop_timer_stop(&s.tick);
	session_free(second);
	session_free(third);
	rig_finish(&s.rig);
}

/* One who asks for the same may go, and others get their answer. */
static void
a_lookup_outlives_who_asked_first(void **state)
{
	struct rig s = {0};
	struct session_opts o = rig_to("slow.invalid", 1);
	struct session *first;

	(void)state;
	first = rig_session(&s, &o);
	session_start(first);
	rig_begin(&s, &o);
	session_free(first);
	rig_run(&s, 5000);
	assert_int_equal(s.ends, 1);
	rig_finish(&s);
}

static void
an_empty_id_is_refused_before_descriptor_0_is_closed(void **state)
{
	const struct broker *b = *state;
	struct session_opts o = rig_to(b->sock, 0);
	struct loop *loop = loop_new(NULL);
	struct err err = {0};

	o.client_id = "";
	assert_true(fcntl(0, F_GETFD) >= 0);
	assert_null(session_new(loop, &o, &rig_events, NULL, &err));
	assert_string_equal(err.text, "the client id is empty");
	assert_int_equal(err.code, ERR_USAGE);
	assert_true(fcntl(0, F_GETFD) >= 0);
	loop_free(loop);
}

static void
descriptors_over_1024_work(void **state)
{
	const struct broker *b = *state;
	const struct session_pub p = {.topic = "t", .payload = SPAN("x"), .qos = 2};
	struct rig s = {.stop_at_ups = 1, .stop_at_published = 1};
	struct session_opts o = rig_to(b->sock, 0);
	struct rlimit limit;
	int fds[1100], i, id;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 2048;
	assert_true(limit.rlim_max >= 2048);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (i = 0; i < 1100; i++)
		fds[i] = dup(0);
	assert_true(fds[1099] > 1024);
	rig_begin(&s, &o);
	rig_run(&s, 5000);
	assert_int_equal(s.ups, 1);
	assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	rig_run(&s, 5000);
	assert_int_equal(s.published, 1);
	session_stop(s.session, 2000);
	rig_run(&s, 5000);
	assert_string_equal(s.ended.text, "");
	for (i = 0; i < 1100; i++)
		close(fds[i]);
	rig_finish(&s);
}

static void
tls_to_a_closed_port_does_not_spin(void **state)
{
	struct rig s = {0};
	int port, fd = rig_listen(&port, false);
	struct session_opts o = rig_to("127.0.0.1", port);
	clock_t before;

	(void)state;
	o.tls = o.insecure = true;
	o.retry = true;
	rig_begin(&s, &o);
	before = clock();
	rig_run(&s, 1500);
	assert_int_equal(s.downs, 1);
	assert_non_null(strstr(s.down.text, "': connection refused"));
	assert_true(clock() - before < CLOCKS_PER_SEC / 2);
	close(fd);
	rig_finish(&s);
}

/* Takes connections and sends each the next of its answers once it has read something; an empty answer
 * only closes. */
struct fake {
	struct loop *loop;
	struct loop_fd watch, client;
	int fd, accepted;
	const struct span *answers;
};

static void
answer(void *arg, unsigned ready)
{
	struct fake *f = arg;
	const struct span *a = &f->answers[f->accepted - 1];
	char scrap[4096];

	(void)ready;
	if (recv(f->client.fd, scrap, sizeof(scrap), MSG_DONTWAIT) > 0 && a->n > 0)
		send(f->client.fd, a->p, a->n, MSG_NOSIGNAL);
	loop_fd_stop(&f->client);
	close(f->client.fd);
}

static void
take(void *arg, unsigned ready)
{
	struct fake *f = arg;
	int fd = accept(f->fd, NULL, NULL);

	(void)ready;
	if (fd < 0)
		return;
	f->accepted++;
	loop_fd_start(f->loop, &f->client, fd, LOOP_READ, answer, f, NULL);
}

static int
fake_start(struct fake *f, struct loop *loop)
{
	int port;

	f->loop = loop;
	f->fd = rig_listen(&port, true);
	loop_fd_start(loop, &f->watch, f->fd, LOOP_READ, take, f, NULL);
	return port;
}

static void
fake_stop(struct fake *f)
{
	loop_fd_stop(&f->watch);
	close(f->fd);
}

/* libmosquitto tells nobody. */
static void
a_handshake_that_is_cut_off_is_told_once(void **state)
{
	static const struct span answers[] = {SPAN(""), SPAN("")};
	struct rig s = {.loop = loop_new(NULL)};
	struct fake f = {.answers = answers};
	struct session_opts o = rig_to("127.0.0.1", fake_start(&f, s.loop));

	(void)state;
	o.tls = o.insecure = true;
	rig_begin(&s, &o);
	rig_run(&s, 3000);
	assert_int_equal(s.ends, 1);
	assert_int_equal(f.accepted, 1);
	assert_non_null(strstr(s.ended.text, "TLS: it closed the connection during"));
	fake_stop(&f);
	rig_finish(&s);
}

/* Taken in, thrown out, and then not let in any more: that is told once and not asked again. */
static void
refused_for_good(const struct span *answers, const char *text)
{
	struct rig s = {.loop = loop_new(NULL)};
	struct fake f = {.answers = answers};
	struct session_opts o = rig_to("127.0.0.1", fake_start(&f, s.loop));

	rig_begin(&s, &o);
	rig_run(&s, 10000);
	assert_int_equal(s.ups, 1);
	assert_int_equal(s.downs, 1);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.ended.code, ERR_AUTH);
	assert_non_null(strstr(s.ended.text, text));
	assert_int_equal(f.accepted, 2);
	fake_stop(&f);
	rig_finish(&s);
}

static void
a_refusal_for_good_is_told_once(void **state)
{
	static const struct span password[] = {
	    SPAN("\x20\x03\x00\x00\x00"), SPAN("\x20\x03\x00\x86\x00"), SPAN("")};
	static const struct span banned[] = {
	    SPAN("\x20\x03\x00\x00\x00"), SPAN("\x20\x03\x00\x8a\x00"), SPAN("")};

	(void)state;
	refused_for_good(password, "refused the login: bad user name or password");
	refused_for_good(banned, "refused the login: this client is banned");
}

/* A broker that is only busy is asked again. */
static void
a_busy_broker_is_asked_again(void **state)
{
	static const struct span answers[] = {
	    SPAN("\x20\x03\x00\x89\x00"), SPAN("\x20\x03\x00\x00\x00"), SPAN("")};
	struct rig s = {.loop = loop_new(NULL), .stop_at_ups = 1};
	struct fake f = {.answers = answers};
	struct session_opts o = rig_to("127.0.0.1", fake_start(&f, s.loop));

	(void)state;
	o.retry = true;
	rig_begin(&s, &o);
	rig_run(&s, 10000);
	assert_true(s.downs >= 1);
	assert_int_equal(s.ups, 1);
	assert_int_equal(f.accepted, 2);
	fake_stop(&f);
	rig_finish(&s);
}

/* Its back-off, for a fleet of that size, is minutes long. */
static void
one_who_is_to_end_does_not_sleep_while_something_waits(void **state)
{
	const struct session_pub p = {.topic = "t", .payload = SPAN("x"), .qos = 1};
	struct broker *b = *state;
	struct rig s = {0};
	struct session_opts o = rig_to(b->sock, 0);
	int id;

	broker_stop(b);
	o.retry = true;
	o.fleet = 100000;
	rig_begin(&s, &o);
	rig_run(&s, 100);
	assert_int_equal(s.downs, 1);
	assert_int_equal(session_publish(s.session, &p, &id, NULL), 0);
	session_stop(s.session, 20000);
	rig_run(
	    &s, 1200); /* the broker is not there yet: it is tried again in a second */
	assert_int_equal(s.ends, 0);
	broker_start(b);
	rig_run(&s, 20000);
	assert_int_equal(s.ends, 1);
	assert_string_equal(s.ended.text, "");
	assert_int_equal(s.published, 1);
	rig_finish(&s);
}

/* A crowd at a limiter; each stays inside for a moment. */
struct guest {
	struct limiter_pass pass;
	struct loop_timer stay;
	struct crowd *crowd;
	int number;
};

struct crowd {
	struct loop *loop;
	int64_t began;
	int inside, most, entered, per_second, n;
	struct guest v[300];
};

static void
leave(void *arg)
{
	struct guest *g = arg;

	g->crowd->inside--;
	limiter_leave(&g->pass);
	if (g->crowd->entered == g->crowd->n && g->crowd->inside == 0)
		loop_stop(g->crowd->loop);
}

static void
enter(void *arg)
{
	struct guest *g = arg;
	struct crowd *c = g->crowd;
	int64_t ms = loop_now(c->loop) - c->began;

	assert_int_equal(g->number, c->entered);
	c->entered++;
	if (++c->inside > c->most)
		c->most = c->inside;
	if (c->per_second > 0)
		assert_true(c->entered <= 2 + (ms + 1) * c->per_second / 1000);
	loop_timer_set(c->loop, &g->stay, 5, leave, g);
}

static void
pass_all(struct crowd *c, int n, int in_flight, int per_second)
{
	struct limiter *limiter;
	int i;

	c->loop = loop_new(NULL);
	c->began = loop_now(c->loop);
	c->n = n;
	c->per_second = per_second;
	limiter = limiter_new(c->loop, in_flight, per_second);
	for (i = 0; i < n; i++) {
		c->v[i] = (struct guest){.crowd = c, .number = i};
		limiter_enter(limiter, &c->v[i].pass, enter, &c->v[i]);
	}
	assert_int_equal(loop_run(c->loop, NULL), 0);
	assert_int_equal(c->entered, n);
	limiter_free(limiter);
	loop_free(c->loop);
}

static void
a_limiter_lets_so_many_in_at_a_time_and_in_order(void **state)
{
	static struct crowd c;

	(void)state;
	pass_all(&c, 300, 64, 0);
	assert_int_equal(c.most, 64);
}

static void
a_limiter_lets_so_many_in_a_second(void **state)
{
	static struct crowd c;

	(void)state;
	pass_all(&c, 60, 1000, 200);
}

static void
who_waits_at_a_limiter_may_go(void **state)
{
	struct loop *loop = loop_new(NULL);
	struct limiter *limiter = limiter_new(loop, 1, 0);
	struct crowd c = {.loop = loop, .n = 2};
	struct guest *g = c.v;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		g[i] = (struct guest){.crowd = &c, .number = i == 3};
		limiter_enter(limiter, &g[i].pass, enter, &g[i]);
	}
	limiter_leave(&g[1].pass);
	limiter_leave(&g[2].pass);
	limiter_leave(&g[2].pass);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(c.entered, 2);
	limiter_free(limiter);
	loop_free(loop);
}

static void
a_fleet_passes_its_limiter(void **state)
{
	const struct broker *b = *state;
	struct rig s = {.stop_at_ups = MANY, .loop = loop_new(NULL)};
	struct session_opts o = rig_to(b->sock, 0);
	struct session *v[MANY];
	int i;

	o.limiter = limiter_new(s.loop, 4, 0);
	for (i = 0; i < MANY; i++) {
		v[i] = rig_session(&s, &o);
		session_start(v[i]);
	}
	session_free(v[MANY - 1]);
	v[MANY - 1] = NULL;
	s.stop_at_ups--;
	rig_run(&s, 20000);
	assert_int_equal(s.ups, MANY - 1);
	for (i = 0; i < MANY; i++)
		session_free(v[i]);
	limiter_free(o.limiter);
	loop_free(s.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lean_session_takes_one_descriptor),
	    cmocka_unit_test(a_slow_lookup_blocks_nothing_and_is_asked_once),
	    cmocka_unit_test(a_lookup_outlives_who_asked_first),
	    cmocka_unit_test(an_empty_id_is_refused_before_descriptor_0_is_closed),
	    cmocka_unit_test(descriptors_over_1024_work),
	    cmocka_unit_test(tls_to_a_closed_port_does_not_spin),
	    cmocka_unit_test(a_handshake_that_is_cut_off_is_told_once),
	    cmocka_unit_test(a_refusal_for_good_is_told_once),
	    cmocka_unit_test(a_busy_broker_is_asked_again),
	    cmocka_unit_test(one_who_is_to_end_does_not_sleep_while_something_waits),
	    cmocka_unit_test(a_limiter_lets_so_many_in_at_a_time_and_in_order),
	    cmocka_unit_test(a_limiter_lets_so_many_in_a_second),
	    cmocka_unit_test(who_waits_at_a_limiter_may_go),
	    cmocka_unit_test(a_fleet_passes_its_limiter),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
