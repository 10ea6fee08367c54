/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret_file.h"

#include <endian.h>
#include <libgen.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { ACL_ENTRIES = 64 };

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entries[ACL_ENTRIES];
};

/* The group's own rights, and those of users and groups that are named. */
static bool
lets_in_another(const struct posix_acl_xattr_entry *e)
{
	const uid_t id = (uid_t)le32toh(e->e_id);

	if (le16toh(e->e_perm) == 0)
		return false;
	switch (le16toh(e->e_tag)) {
	case ACL_USER: return id != geteuid() && id != 0;
	case ACL_GROUP_OBJ:
	case ACL_GROUP: return true;
	default: return false;
	}
}

/* Rights of a group in st_mode are no more than an ACL's mask when there is one. Without any, or one that is too
 * long to be for us alone, they are the group's. */
static bool
acl_is_ours(int fd)
{
	struct acl acl;
	ssize_t n = fgetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl));
	size_t i;

	if (n < (ssize_t)sizeof(acl.head) ||
	    le32toh(acl.head.a_version) != POSIX_ACL_XATTR_VERSION)
		return false;
	for (i = 0; i < ((size_t)n - sizeof(acl.head)) / sizeof(acl.entries[0]); i++) {
		if (lets_in_another(&acl.entries[i]))
			return false;
	}
	return true;
}

static bool
is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *copy = xstrdup(path);
	struct stat ours, its;
	bool same = dir != NULL && stat(dir, &ours) == 0 &&
	    stat(dirname(copy), &its) == 0 && ours.st_dev == its.st_dev &&
	    ours.st_ino == its.st_ino;

	free(copy);
	return same;
}

int
secret_file_check(int fd, const char *path, struct err *err)
{
	struct stat st;
	bool credential;

	if (fstat(fd, &st) != 0)
		return err_sys(err, ERR_USAGE, _("cannot read '%s'"), path);
	if (!S_ISREG(st.st_mode))
		return 0;
	credential = (st.st_mode & 037) == 0 && is_credential(path);
	if ((st.st_mode & 077) != 0 && !credential &&
	    ((st.st_mode & 07) != 0 || !acl_is_ours(fd)))
		return err_set(err, ERR_USAGE,
		    _("'%s' holds a secret and others may read it: chmod 600 it"), path);
	if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0 && !credential)
		return err_set(
		    err, ERR_USAGE, _("'%s' holds a secret and is not yours"), path);
	return 0;
}
