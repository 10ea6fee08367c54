/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret_file.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "unit.h"

static char dir[] = "/tmp/iot-secret.XXXXXX";

/* What is said of a file with that mode in `dir`; NULL: it passes. */
static const char *
said_of(mode_t mode, const struct posix_acl_xattr_entry *entries, size_t n)
{
	static struct err err;
	char *path = xasprintf("%s/secret", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int failed;

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	if (n != 0) {
		struct {
			struct posix_acl_xattr_header head;
			struct posix_acl_xattr_entry entries[8];
		} acl = {.head = {htole32(POSIX_ACL_XATTR_VERSION)}};

		memcpy(acl.entries, entries, n * sizeof(*entries));
		if (fsetxattr(fd, "system.posix_acl_access", &acl,
			sizeof(acl.head) + n * sizeof(*entries), 0) != 0)
			skip(); /* a file system without them */
	}
	err = (struct err){0};
	failed = secret_file_check(fd, path, &err);
	assert_int_equal(failed != 0, err.code == ERR_USAGE);
	close(fd);
	unlink(path);
	free(path);
	return failed ? err.text : NULL;
}

static void
refused(mode_t mode, const struct posix_acl_xattr_entry *entries, size_t n)
{
	const char *said = said_of(mode, entries, n);

	assert_non_null(said);
	assert_non_null(strstr(said, "others may read it: chmod 600"));
}

static struct posix_acl_xattr_entry
entry(unsigned tag, unsigned perm, uid_t id)
{
	return (struct posix_acl_xattr_entry){
	    htole16((uint16_t)tag), htole16((uint16_t)perm), htole32(id)};
}

static void
modes_are_looked_at(void **state)
{
	(void)state;
	assert_null(said_of(0600, NULL, 0));
	assert_null(said_of(0400, NULL, 0));
	refused(0440, NULL, 0);
	refused(0604, NULL, 0);
	refused(0620, NULL, 0);
}

/* One that lets `id` read, as `tag`; the group's own rights are `group`, those of all `other`. */
static void
make_acl(struct posix_acl_xattr_entry *e, unsigned tag, uid_t id, unsigned group,
    unsigned other)
{
	const uid_t none = (uid_t)-1;

	e[0] = entry(ACL_USER_OBJ, 4, none);
	e[tag == ACL_USER ? 1 : 2] = entry(tag, 4, id);
	e[tag == ACL_USER ? 2 : 1] = entry(ACL_GROUP_OBJ, group, none);
	e[3] = entry(ACL_MASK, 4, none);
	e[4] = entry(ACL_OTHER, other, none);
}

static void
an_acl_may_name_us(void **state)
{
	struct posix_acl_xattr_entry e[5];

	(void)state;
	make_acl(e, ACL_USER, geteuid(), 0, 0);
	assert_null(said_of(0400, e, 5));
	make_acl(e, ACL_USER, 0, 0, 0);
	assert_null(said_of(0400, e, 5));
}

static void
an_acl_may_name_no_other(void **state)
{
	struct posix_acl_xattr_entry e[5];

	(void)state;
	make_acl(e, ACL_USER, geteuid() + 1, 0, 0);
	refused(0400, e, 5);
	make_acl(e, ACL_GROUP, getegid(), 0, 0);
	refused(0400, e, 5);
	make_acl(e, ACL_USER, geteuid(), 4, 0);
	refused(0400, e, 5);
	make_acl(e, ACL_USER, geteuid(), 0, 4);
	refused(0400, e, 5);
}

static void
credentials_of_systemd_are_ours(void **state)
{
	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_null(said_of(0440, NULL, 0));
	refused(0460, NULL, 0);
	refused(0444, NULL, 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/tmp", 1), 0);
	refused(0440, NULL, 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/nowhere/at/all", 1), 0);
	refused(0440, NULL, 0);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(modes_are_looked_at),
	    cmocka_unit_test(an_acl_may_name_us),
	    cmocka_unit_test(an_acl_may_name_no_other),
	    cmocka_unit_test(credentials_of_systemd_are_ours),
	};
	int failed;

	assert_non_null(mkdtemp(dir));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
