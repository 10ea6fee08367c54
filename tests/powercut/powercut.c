/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that loses its power, for one program: LD_PRELOAD=powercut.so POWERCUT_FILE=/DIR/NAME [POWERCUT_AT=N]
 * [POWERCUT_IMAGE=/DIR2] [POWERCUT_SYNC=no] PROGRAM...
 *
 * The program's pwrites to files whose names begin with POWERCUT_FILE, and what cuts them off or makes them durable, are
 * counted; before
 * the Nth the process gets SIGKILL. What a disk is sure to hold at that moment is in POWERCUT_IMAGE: of each file what
 * was there at its last fdatasync. With POWERCUT_SYNC=no nothing is made durable. The count goes to
 * POWERCUT_IMAGE/count when the program ends by itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILES = 8, PIECE = 1 << 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count;

/* What was written to the files that are watched since they were made durable. */
static struct file {
	char name[64];
	struct range {
		off_t at;
		size_t n;
	} * v;
	size_t n, room;
	off_t size; /* it was cut to; -1: it was not */
} files[FILES];

static void *
next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	return found;
}

/* The file, if it is one that is watched; else NULL. */
static struct file *
watched(int fd)
{
	const char *prefix = getenv("POWERCUT_FILE"), *name;
	char link[32], path[512];
	ssize_t n;
	size_t i;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = prefix != NULL ? readlink(link, path, sizeof(path) - 1) : -1;
	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (strncmp(path, prefix, strlen(prefix)) != 0)
		return NULL;
	name = strrchr(path, '/') + 1;
	for (i = 0; i < FILES && files[i].name[0] != '\0'; i++) {
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	}
	if (i == FILES || strlen(name) >= sizeof(files[i].name))
		abort();
	snprintf(files[i].name, sizeof(files[i].name), "%s", name);
	files[i].size = -1;
	return &files[i];
}

static void
at_point(void)
{
	const char *at = getenv("POWERCUT_AT");

	count++;
	if (at != NULL && count == atol(at)) {
		kill(getpid(), SIGKILL);
		for (;;)
			pause();
	}
}

static void
note_write(int fd, off_t at, size_t n)
{
	struct file *f;

	pthread_mutex_lock(&lock);
	f = watched(fd);
	if (f != NULL) {
		at_point();
		if (f->n == f->room) {
			f->room = f->room * 2 + 64;
			f->v = realloc(f->v, f->room * sizeof(*f->v));
		}
		f->v[f->n++] = (struct range){at, n};
	}
	pthread_mutex_unlock(&lock);
}

static void
note_size(int fd, off_t size)
{
	struct file *f;

	pthread_mutex_lock(&lock);
	f = watched(fd);
	if (f != NULL) {
		at_point();
		f->size = size;
	}
	pthread_mutex_unlock(&lock);
}

/* What was written is what the file has there now: none of it was made durable before. */
static void
copy_range(int from, int to, struct range r)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = next("pwrite");
	static char piece[PIECE];

	while (r.n > 0) {
		ssize_t n = pread(from, piece, r.n < PIECE ? r.n : PIECE, r.at);

		if (n <= 0)
			return; /* cut off since */
		if (real(to, piece, (size_t)n, r.at) != n)
			abort();
		r.at += n;
		r.n -= (size_t)n;
	}
}

static void
make_durable(struct file *f, int from)
{
	int (*cut)(int, off_t) = next("ftruncate");
	char path[1024];
	size_t i;
	int to;

	snprintf(path, sizeof(path), "%s/%s", getenv("POWERCUT_IMAGE"), f->name);
	to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (to < 0 || (f->size >= 0 && cut(to, f->size) != 0))
		abort();
	for (i = 0; i < f->n; i++)
		copy_range(from, to, f->v[i]);
	close(to);
	f->n = 0;
	f->size = -1;
}

static int
sync_file(int fd, int (*real)(int))
{
	const char *lies = getenv("POWERCUT_SYNC");
	struct file *f;

	pthread_mutex_lock(&lock);
	f = watched(fd);
	if (f != NULL) {
		at_point();
		if (getenv("POWERCUT_IMAGE") != NULL &&
		    (lies == NULL || strcmp(lies, "no") != 0))
			make_durable(f, fd);
	}
	pthread_mutex_unlock(&lock);
	return f != NULL ? 0 : real(fd);
}

int
fdatasync(int fd)
{
	return sync_file(fd, (int (*)(int))next("fdatasync"));
}

int
fsync(int fd)
{
	return sync_file(fd, (int (*)(int))next("fsync"));
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = next("pwrite");

	note_write(fd, at, n);
	return real(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = next("pwrite64");

	note_write(fd, at, n);
	return real(fd, p, n, at);
}

int
ftruncate(int fd, off_t size)
{
	int (*real)(int, off_t) = next("ftruncate");

	note_size(fd, size);
	return real(fd, size);
}

int
ftruncate64(int fd, off_t size)
{
	int (*real)(int, off_t) = next("ftruncate64");

	note_size(fd, size);
	return real(fd, size);
}

static void __attribute__((destructor)) tell_count(void)
{
	const char *dir = getenv("POWERCUT_IMAGE");
	char path[1024];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/count", dir);
	f = fopen(path, "we");
	if (f != NULL) {
		fprintf(f, "%ld\n", count);
		fclose(f);
	}
}
