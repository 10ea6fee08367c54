/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/db.h"

static int
sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) != 0;

	if (fd >= 0)
		close(fd);
	return failed ? -1 : 0;
}

static int
tell_there(const char *to, struct err *err)
{
	return err_set(err, ERR_USAGE, _("'%s' is there already"), to);
}

/* Not in the place of another that came meanwhile; where the file system cannot say so, that was looked for before. */
static int
rename_new(const char *part, const char *to)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? rename(part, to) : -1;
}

/* Its name counts only once the directory is on the disk, too. */
static int
put_in_place(const char *part, const char *to, struct err *err)
{
	char *copy = xstrdup(to);
	int failed = sync_path(part, O_RDWR) || rename_new(part, to) != 0;
	const bool there = failed && errno == EEXIST;

	failed = failed || sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
	free(copy);
	if (there)
		return tell_there(to, err);
	return failed ? err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), to) : 0;
}

int
backup_make(const char *path, const char *to, struct err *err)
{
	char *part = xasprintf("%s.XXXXXX", to);
	struct db *db = NULL;
	int fd = -1, failed = -1;

	if (access(to, F_OK) == 0)
		tell_there(to, err);
	else if ((fd = mkostemp(part, O_CLOEXEC)) < 0)
		err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), to);
	else
		/* The copy counts as something that is written. */
		failed = db_open(&db, path, false, err) ||
		    db_run(db, err, "PRAGMA query_only=OFF", "") ||
		    db_run(db, err, "VACUUM main INTO ?1", "s", part) ||
		    put_in_place(part, to, err);
	db_close(db);
	if (fd >= 0) {
		close(fd);
		unlink(part); /* what is in place has another name by now */
	}
	free(part);
	return failed ? -1 : 0;
}
