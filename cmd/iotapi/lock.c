/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* A file of its own: POSIX locks of a process end when it closes any descriptor of the file, and SQLite opens and
 * closes the database's. They are not inherited, so a child that outlives us does not hold it. */
static int
lock_file(const char *path, const char *db, struct err *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(err, ERR_USAGE, _("cannot open '%s'"), path);
	if (fcntl(fd, F_SETLK, &whole) == 0)
		return fd;
	if (errno != EAGAIN && errno != EACCES)
		err_sys(err, ERR_FAILED, _("cannot lock '%s'"), path);
	else if (fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
		err_set(err, ERR_FAILED, _("'%s' is served by process %ld already"), db,
		    (long)whole.l_pid);
	else
		err_set(err, ERR_FAILED, _("'%s' is served already"), db);
	close(fd);
	return -1;
}

/* Beside the file itself, by whatever link it is reached, as SQLite does with its WAL. */
int
lock_take(const char *db, struct err *err)
{
	char *real = realpath(db, NULL);
	char *path = xasprintf("%s.lock", real != NULL ? real : db);
	char *dir = xstrdup(db), *slash = strrchr(dir, '/');
	int fd = 0;

	if (slash != NULL && slash != dir) {
		*slash = '\0';
		fd = file_make_dir(dir, err);
	}
	if (fd == 0)
		fd = lock_file(path, db, err);
	free(dir);
	free(path);
	free(real);
	return fd;
}
