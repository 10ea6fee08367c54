/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may read what mosquitto reads. */
#include "access/mosquitto_file.h"

#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

static const char path[] = "passwords";

static struct stat
written(mode_t before)
{
	struct err err = {0};
	struct stat st;

	assert_int_equal(file_write(path, SPAN("old"), before, &err), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 4711, 4712), 0);
	assert_int_equal(mosquitto_file_write(path, SPAN("new"), &err), 0);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

static bool
has_group(void)
{
	return geteuid() == 0 && getgrnam("mosquitto") != NULL;
}

static void
who_read_it_goes_on(void **state)
{
	struct stat st = written(0640);

	(void)state;
	assert_int_equal(st.st_mode & 0777, 0640);
	if (geteuid() == 0 && !has_group()) {
		assert_int_equal(st.st_uid, 4711);
		assert_int_equal(st.st_gid, 4712);
	}
	st = written(0644);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void
a_private_file_stays_private(void **state)
{
	struct stat st = written(0600);

	(void)state;
	assert_int_equal(st.st_mode & 0777, has_group() ? 0640 : 0600);
	if (geteuid() == 0 && !has_group())
		assert_int_equal(st.st_uid, 4711);
}

static void
an_owner_from_the_first_moment(void **state)
{
	struct err err = {0};
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(file_write_for(path, SPAN("x"), 0640, 4711, 4712, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 4711);
	assert_int_equal(st.st_gid, 4712);
	assert_int_equal(st.st_mode & 0777, 0640);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_read_it_goes_on),
	    cmocka_unit_test(a_private_file_stays_private),
	    cmocka_unit_test(an_owner_from_the_first_moment),
	};
	char dir[] = "/tmp/mosquitto-file-XXXXXX";
	int failed;

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return chdir("/") != 0 || rmdir(dir) != 0 ? 1 : failed;
}
