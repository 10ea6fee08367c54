/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "importstate.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* Of what is done so much is looked at again, at its beginning and at its end. */
enum { RECORD_MAX = 256, PIECE = 4096 };

static uint64_t
hash_text(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h * 1099511628211u;
}

/* One record for a file and the platform it goes to. */
static char *
record_path(const struct ctl *c, const char *file)
{
	char *whole = realpath(file, NULL);
	uint64_t h = hash_text(14695981039346656037u, whole != NULL ? whole : file);
	char *name, *path;

	h = hash_text(h, api_base(c->api));
	name = xasprintf("import-%016llx", (unsigned long long)h);
	path = file_state_path(name);
	free(name);
	free(whole);
	return path;
}

static uint64_t
hash_piece(uint64_t h, int fd, long long from, size_t n)
{
	char bytes[PIECE];
	ssize_t got = pread(fd, bytes, n < PIECE ? n : PIECE, (off_t)from);
	ssize_t i;

	for (i = 0; i < got; i++)
		h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
	return h;
}

/* What `offset` bytes of this file are known by. A file that is written anew keeps its inode. */
static uint64_t
mark_of(int fd, long long offset)
{
	size_t n = offset < PIECE ? (size_t)offset : PIECE;

	return hash_piece(
	    hash_piece(14695981039346656037u, fd, 0, n), fd, offset - (long long)n, n);
}

static bool
is_record(const char *text, const struct import_state *s, long long size,
    long long *offset, size_t *line)
{
	unsigned long long mark;
	long long inode;

	return sscanf(text, "%lld %lld %zu %llx", &inode, offset, line, &mark) == 4 &&
	    inode == s->inode && *offset >= 0 && *offset <= size &&
	    mark == mark_of(s->fd, *offset);
}

void
import_state_load(
    struct import_state *s, const struct ctl *c, const char *file, FILE *in, bool again)
{
	struct buf record = {0};
	long long offset = 0;
	size_t line = 0;
	struct stat st;

	*s = (struct import_state){.fd = fileno(in)};
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	s->path = record_path(c, file);
	s->inode = (long long)st.st_ino;
	if (!again && s->path != NULL &&
	    file_read(s->path, RECORD_MAX, &record, NULL) == 0 &&
	    is_record(buf_str(&record), s, (long long)st.st_size, &offset, &line) &&
	    fseeko(in, (off_t)offset, SEEK_SET) == 0) {
		s->offset = offset;
		s->line = line;
	}
	buf_release(&record);
}

int
import_state_save(const struct import_state *s, struct err *err)
{
	char *record;
	int failed;

	if (s->path == NULL)
		return 0;
	record = xasprintf("%lld %lld %zu %llx\n", s->inode, s->offset, s->line,
	    (unsigned long long)mark_of(s->fd, s->offset));
	failed = file_write(s->path, span_of(record), 0600, err);
	free(record);
	return failed;
}

void
import_state_release(struct import_state *s)
{
	free(s->path);
}
