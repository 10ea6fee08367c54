/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iotapi's key file: one, however many make it at once. */
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotapi/api/secretbox.h"

enum { STARTS = 8, ROUNDS = 20 };

struct start {
	pthread_t thread;
	pthread_barrier_t *together;
	const char *path;
	struct secretbox *seal;
};

static void *
start(void *arg)
{
	struct start *s = arg;

	pthread_barrier_wait(s->together);
	secretbox_open(&s->seal, s->path, true, NULL);
	return NULL;
}

/* Each opens what the last one sealed. */
static void
check_and_close(struct start *s)
{
	struct err err = {0};
	char *sealed, *opened;
	int i;

	assert_non_null(s[STARTS - 1].seal);
	sealed = secretbox_put(s[STARTS - 1].seal, "label", "secret", &err);
	for (i = 0; i < STARTS; i++) {
		assert_non_null(s[i].seal);
		opened = secretbox_get(s[i].seal, "label", span_of(sealed), &err);
		assert_string_equal(err.text, "");
		assert_string_equal(opened, "secret");
		mem_free_secret(opened);
	}
	for (i = 0; i < STARTS; i++)
		secretbox_close(s[i].seal);
	free(sealed);
}

static void
starts_at_once_share_one_key(void **state)
{
	struct start s[STARTS];
	char dir[] = "/tmp/iot-unit.XXXXXX";
	char *path, *remove;
	pthread_barrier_t together;
	int round, i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pthread_barrier_init(&together, NULL, STARTS);
	for (round = 0; round < ROUNDS; round++) {
		path = xasprintf("%s/%d.key", dir, round);
		for (i = 0; i < STARTS; i++) {
			s[i] = (struct start){.together = &together, .path = path};
			pthread_create(&s[i].thread, NULL, start, &s[i]);
		}
		for (i = 0; i < STARTS; i++)
			pthread_join(s[i].thread, NULL);
		check_and_close(s);
		free(path);
	}
	pthread_barrier_destroy(&together);
	remove = xasprintf("rm -r %s", dir);
	assert_int_equal(system(remove), 0);
	free(remove);
}

static int
is_entry(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void
makes_none_where_it_may_not(void **state)
{
	char dir[] = "/tmp/iot-unit.XXXXXX";
	char *path;
	struct dirent **left = NULL;
	struct err err = {0};
	struct secretbox *seal;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/x.key", dir);
	assert_int_equal(secretbox_open(&seal, path, false, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "put the key back"));
	assert_int_equal(scandir(dir, &left, is_entry, NULL), 0);
	free(left);
	assert_int_equal(rmdir(dir), 0);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_at_once_share_one_key),
	    cmocka_unit_test(makes_none_where_it_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
