/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One at a time: of a context, whose records of what was sent are one file, and of what is written, whoever writes it. */
#include "iotctl/sync/sync_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

static int
refuse(const char *what, struct err *err)
{
	return err_set(
	    err, ERR_FAILED, _("another sync is running (it holds '%s')"), what);
}

/* Takes fd. */
static int
lock_fd(int fd, const char *path, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		refuse(path, err);
	else
		err_sys(err, ERR_FAILED, _("cannot lock '%s'"), path);
	close(fd);
	return -1;
}

int
sync_lock_context(const char *context, struct err *err)
{
	char *name = xasprintf("sync-%s.lock", context);
	char *path = strchr(context, '/') == NULL ? file_state_path(name) : NULL;
	char *dir = path != NULL ? xstrndup(path, strlen(path) - strlen(name)) : NULL;
	int fd = -1;

	if (path == NULL)
		err_set(err, ERR_OUTPUT, _("no place for '%s': HOME is not set"), name);
	else if (file_make_dir(dir, err) == 0 &&
	    (fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), path);
	if (fd >= 0)
		fd = lock_fd(fd, path, err);
	free(dir);
	free(path);
	free(name);
	return fd;
}

int
sync_lock_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? lock_fd(fd, path, err)
		       : err_sys(err, ERR_OUTPUT, _("cannot open '%s'"), path);
}

/* A socket's name without a file: no user needs the right to write somewhere, and it goes with its process. */
int
sync_lock_url(const char *url, struct err *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
	    "iotctl-sync-%016" PRIx64, hash_of(span_of(url)));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, ERR_FAILED, _("cannot lock '%s'"), url);
	if (bind(fd, (struct sockaddr *)&name,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
		return fd;
	if (errno == EADDRINUSE)
		refuse(url, err);
	else
		err_sys(err, ERR_FAILED, _("cannot lock '%s'"), url);
	close(fd);
	return -1;
}
