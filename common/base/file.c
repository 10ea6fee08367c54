/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret_file.h"
#include "base/strv.h"
#include "base/text.h"

enum { LINKS_MOST = 40 }; /* in a row, as Linux has it */

static int
open_input(const char *path, struct err *err)
{
	int fd =
	    strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err_sys(err, ERR_USAGE, _("cannot read '%s'"), path);
	return fd;
}

static int
read_all(int fd, const char *path, size_t max, struct buf *out, struct err *err)
{
	for (;;) {
		char *to = buf_reserve(out, 16384);
		ssize_t n = read(fd, to, 16384);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_USAGE, _("cannot read '%s'"), path);
		if (n == 0)
			return 0;
		out->n += (size_t)n;
		if (out->n > max)
			return err_set(err, ERR_USAGE, _("'%s' is larger than %zu bytes"),
			    path, max);
	}
}

int
file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd = open_input(path, err);
	int failed;

	if (fd < 0)
		return -1;
	failed = read_all(fd, path, max, out, err);
	close(fd);
	return failed;
}

int
file_read_private(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd = open_input(path, err);
	int failed;

	if (fd < 0)
		return -1;
	failed = secret_file_check(fd, path, err) || read_all(fd, path, max, out, err);
	close(fd);
	return failed ? -1 : 0;
}

int
file_read_secret(const char *path, char **out, struct err *err)
{
	struct buf b = {0};
	int failed = file_read_private(path, 65536, &b, err);

	if (!failed) {
		*out = xstrndup(buf_str(&b), strcspn(buf_str(&b), "\r\n"));
		if (**out == '\0') {
			free(*out);
			*out = NULL;
			failed = err_set(err, ERR_USAGE, _("'%s' is empty"), path);
		}
	}
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_release(&b);
	return failed ? -1 : 0;
}

static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int
file_make_dir(const char *path, struct err *err)
{
	char *parent;
	int failed;

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_sys(err, ERR_OUTPUT, _("cannot make directory '%s'"), path);
	parent = parent_of(path);
	failed = file_make_dir(parent, err);
	free(parent);
	if (failed)
		return -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_sys(err, ERR_OUTPUT, _("cannot make directory '%s'"), path);
	return 0;
}

static int
write_all(int fd, struct span s)
{
	while (s.n != 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

static void
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

/* Where the link `path` leads (free), NULL when it is none to follow: whoever may make links in a directory must not
 * choose what another's program replaces, so only the caller's own and root's count, as the kernel has it with
 * fs.protected_symlinks. */
static char *
follow_link(const char *path)
{
	char to[PATH_MAX];
	struct stat st;
	char *dir, *next;
	ssize_t n;

	if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode) ||
	    (st.st_uid != geteuid() && st.st_uid != 0))
		return NULL;
	n = readlink(path, to, sizeof(to));
	if (n <= 0 || (size_t)n == sizeof(to))
		return NULL;
	if (to[0] == '/')
		return xstrndup(to, (size_t)n);
	dir = parent_of(path);
	next = xasprintf("%s/%.*s", dir, (int)n, to);
	free(dir);
	return next;
}

/* The file that `path` names behind its links, there already or not (free); links in a circle lead nowhere but
 * to itself. */
static char *
target_of(const char *path)
{
	char *at = xstrdup(path);
	char *next;
	int left;

	for (left = LINKS_MOST; left > 0 && (next = follow_link(at)) != NULL; left--) {
		free(at);
		at = next;
	}
	if (left > 0)
		return at;
	free(at);
	return xstrdup(path);
}

static int
put_in_place(const char *temporary, const char *path, bool only_new)
{
	if (!only_new)
		return rename(temporary, path);
	if (link(temporary, path) != 0 && errno != EEXIST)
		return -1;
	return unlink(temporary);
}

/* How a file is to be; -1: ours. */
struct placing {
	mode_t mode;
	uid_t user;
	gid_t group;
	bool only_new;
};

static bool
is_ours(const struct placing *how)
{
	return how->user == (uid_t)-1 && how->group == (gid_t)-1;
}

static int
write_whole(
    const char *path, struct span contents, const struct placing *how, struct err *err)
{
	char *target = target_of(path);
	char *dir = parent_of(target);
	char *temporary = xasprintf("%s.XXXXXX", target);
	int fd = -1;
	int failed = file_make_dir(dir, err);

	if (!failed && (fd = mkostemp(temporary, O_CLOEXEC)) < 0)
		failed = err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), path);
	if (fd >= 0) {
		failed = (!is_ours(how) && fchown(fd, how->user, how->group) != 0) ||
		    fchmod(fd, how->mode) != 0 || write_all(fd, contents) != 0 ||
		    fsync(fd) != 0;
		failed |= close(fd) != 0;
		failed = failed || put_in_place(temporary, target, how->only_new) != 0;
		if (failed) {
			err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), path);
			unlink(temporary);
		} else {
			sync_dir(dir);
		}
	}
	free(temporary);
	free(dir);
	free(target);
	return failed ? -1 : 0;
}

int
file_write(const char *path, struct span contents, mode_t mode, struct err *err)
{
	const struct placing how = {mode, (uid_t)-1, (gid_t)-1, false};

	return write_whole(path, contents, &how, err);
}

int
file_write_new(const char *path, struct span contents, mode_t mode, struct err *err)
{
	const struct placing how = {mode, (uid_t)-1, (gid_t)-1, true};

	return write_whole(path, contents, &how, err);
}

int
file_write_for(const char *path, struct span contents, mode_t mode, uid_t user,
    gid_t group, struct err *err)
{
	const struct placing how = {mode, user, group, false};

	return write_whole(path, contents, &how, err);
}

/* Whether what is locked is still the file of that name: a writer replaces it. */
static bool
is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev;
}

int
file_lock(const char *path, struct err *err)
{
	char *target = target_of(path);
	char *dir = parent_of(target);
	int fd, failed = file_make_dir(dir, err);

	free(dir);
	free(target);
	if (failed)
		return -1;
	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		while ((failed = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
			;
		if (failed)
			break;
		if (is_current(fd, path))
			return fd;
		close(fd);
	}
	err_sys(err, ERR_OUTPUT, _("cannot write '%s'"), path);
	if (fd >= 0)
		close(fd);
	return -1;
}

int
file_lines(FILE *in, const char *name,
    int (*fn)(void *arg, size_t number, char *line, struct err *err), void *arg,
    struct err *err)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	int result = 0;
	ssize_t n;

	while (result == 0 && (n = getline(&line, &room, in)) >= 0) {
		if (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		result = fn(arg, ++number, line, err);
	}
	if (result == 0 && ferror(in))
		result = err_sys(err, ERR_FAILED, _("cannot read '%s'"), name);
	free(line);
	return result;
}

static int
add_name(void *arg, size_t number, char *line, struct err *err)
{
	(void)number;
	(void)err;
	if (line[0] != '\0')
		strv_add(arg, line);
	return 0;
}

int
file_names(FILE *in, const char *name, struct strv *out, struct err *err)
{
	return file_lines(in, name, add_name, out, err);
}

static char *
xdg_path(const char *variable, const char *fallback, const char *name)
{
	const char *base = getenv(variable);
	const char *home = getenv("HOME");

	if (base != NULL && base[0] == '/')
		return xasprintf("%s/iot/%s", base, name);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/%s/iot/%s", home, fallback, name);
	return NULL;
}

char *
file_config_path(const char *name)
{
	return xdg_path("XDG_CONFIG_HOME", ".config", name);
}

char *
file_state_path(const char *name)
{
	return xdg_path("XDG_STATE_HOME", ".local/state", name);
}

char *
file_cache_path(const char *name)
{
	return xdg_path("XDG_CACHE_HOME", ".cache", name);
}
