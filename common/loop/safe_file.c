/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	PIECE = 65536,
	/* No line of ours is longer: a payload of MQTT's largest packet, each byte as \u00XX. */
	LINE_MOST = 6 * 268435455,
};

static void
name_of(int fd, char *out, size_t room)
{
	snprintf(out, room, "/proc/self/fd/%d", fd);
}

/* A description of our own of what fd is, that may be read; -1 where there can be none. */
static int
open_own(int fd)
{
	char path[32];

	name_of(fd, path, sizeof(path));
	return open(path, O_RDWR | O_CLOEXEC);
}

static int
lock(struct safe_file *a, const char *name, struct err *err)
{
	a->own = open_own(a->fd);
	/* A lock on a description that a shell holds too would outlive us. */
	if (flock(a->own >= 0 ? a->own : a->fd, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK)
		return 0;
	return err_set(err, ERR_OUTPUT,
	    _("%s is locked by another program that writes to it: give each its own "
	      "file"),
	    name);
}

/* Where the last line begins, or -1. */
static off_t
last_line(const struct safe_file *a, off_t size)
{
	char piece[PIECE];
	off_t to = size;

	while (to > 0 && size - to < LINE_MOST) {
		off_t from = to > PIECE ? to - PIECE : 0;
		ssize_t n = pread(a->own, piece, (size_t)(to - from), from);
		const char *end;

		if (n != to - from)
			return -1;
		end = memrchr(piece, '\n', (size_t)n);
		if (end != NULL)
			return from + (end - piece) + 1;
		to = from;
	}
	return to == 0 ? 0 : -1;
}

static bool
is_ours(const struct safe_file *a, off_t at, off_t size, const char *head)
{
	char piece[64];
	size_t n;

	if (head == NULL)
		return at > 0;
	n = strlen(head);
	if ((off_t)n > size - at)
		n = (size_t)(size - at);
	return n <= sizeof(piece) && pread(a->own, piece, n, at) == (ssize_t)n &&
	    memcmp(piece, head, n) == 0;
}

static bool
is_append(int fd)
{
	return (fcntl(fd, F_GETFL) & O_APPEND) != 0;
}

static bool
cut_at(int fd, int own, off_t size)
{
	return ftruncate(own, size) == 0 &&
	    (is_append(fd) || lseek(fd, size, SEEK_SET) == size);
}

/* The last byte is no newline. */
static int
mend(const struct safe_file *a, off_t size, const char *name, const char *head,
    struct err *err)
{
	off_t at = last_line(a, size);

	if (at >= 0 && is_ours(a, at, size, head)) {
		if (!cut_at(a->fd, a->own, at))
			return err_sys(err, ERR_OUTPUT,
			    _("cannot cut off the torn last line of %s"), name);
		log_warn(P_("%s: cut off the torn last line (%lld byte) that an earlier "
			    "run left",
			     "%s: cut off the torn last line (%lld bytes) that an "
			     "earlier run left",
			     size - at),
		    name, (long long)(size - at));
		return 0;
	}
	if (write(a->fd, "\n", 1) != 1)
		return err_sys(err, ERR_OUTPUT, _("cannot write to %s"), name);
	log_warn(_("%s: the last line had no end and is not ours: ended it"), name);
	return 0;
}

int
safe_file_open(
    struct safe_file *a, int fd, const char *name, const char *head, struct err *err)
{
	struct stat st;
	char last;

	*a = (struct safe_file){.fd = fd, .own = -1};
	if (lock(a, name, err))
		return -1;
	if (a->own < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		return 0;
	if (!is_append(fd) && lseek(fd, 0, SEEK_CUR) != st.st_size)
		return 0;
	if (pread(a->own, &last, 1, st.st_size - 1) != 1 || last == '\n')
		return 0;
	return mend(a, st.st_size, name, head, err);
}

/* Whether the last `bytes.n` bytes before `end` are these. */
static bool
ends_with(int own, off_t end, struct span bytes)
{
	char piece[PIECE];
	size_t at = 0;

	while (at < bytes.n) {
		size_t n = bytes.n - at < PIECE ? bytes.n - at : PIECE;

		if (pread(own, piece, n, end - (off_t)(bytes.n - at)) != (ssize_t)n ||
		    memcmp(piece, bytes.p + at, n) != 0)
			return false;
		at += n;
	}
	return true;
}

void
safe_file_undo(int fd, struct span written)
{
	const int own = open_own(fd);
	struct stat st;

	if (own < 0)
		return;
	if (written.n > 0 && fstat(own, &st) == 0 && st.st_size >= (off_t)written.n &&
	    ends_with(own, st.st_size, written))
		cut_at(fd, own, st.st_size - (off_t)written.n);
	close(own);
}

bool
safe_file_is_nameless(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

char *
safe_file_path(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	name_of(fd, link, sizeof(link));
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return NULL;
	path[n] = '\0';
	return xstrdup(path);
}

void
safe_file_sync_name(const struct safe_file *a)
{
	char *path = safe_file_path(a->fd), *slash;
	int dir;

	if (path == NULL)
		return;
	slash = strrchr(path, '/');
	slash[slash == path ? 1 : 0] = '\0';
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	free(path);
}

void
safe_file_close(struct safe_file *a)
{
	if (a->own >= 0)
		close(a->own);
	else
		flock(a->fd, LOCK_UN);
}
