/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/verbs/import_state.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/state_version.h"
#include "base/text.h"

/* So much of the imported part is hashed at its beginning and at its end. */
enum { RECORD_MAX = 1 << 20, PIECE = 4096 };
/* Of the record: "v1 INODE OFFSET LINE MARK [LINE:MARK ...]"; releases before 0.2.0 had no first word. */
enum { VERSION = 1 };

/* One record for a file and the platform it goes to. */
static char *
record_path(const struct ctl *c, const char *file)
{
	char *whole = realpath(file, NULL);
	uint64_t h = hash_add_text(HASH_START, whole != NULL ? whole : file);
	char *name, *path;

	h = hash_add_text(h, rest_base(c->api));
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

	return hash_add(h, (struct span){bytes, got > 0 ? (size_t)got : 0});
}

/* Identifies the first `offset` bytes. A file that is written anew keeps its inode. */
static uint64_t
mark_of(int fd, long long offset)
{
	size_t n = offset < PIECE ? (size_t)offset : PIECE;

	return hash_piece(hash_piece(HASH_START, fd, 0, n), fd, offset - (long long)n, n);
}

uint64_t
import_state_mark(struct span text)
{
	return hash_of(text);
}

void
import_state_alone(struct import_state *s, size_t line, uint64_t mark)
{
	s->alone = xreallocarray(s->alone, s->n_alone + 1, sizeof(*s->alone));
	s->alone[s->n_alone++] = (struct import_alone){line, mark};
}

bool
import_state_is_alone(const struct import_state *s, size_t line, struct span text)
{
	size_t i;

	for (i = 0; i < s->n_alone; i++) {
		if (s->alone[i].line == line &&
		    s->alone[i].mark == import_state_mark(text))
			return true;
	}
	return false;
}

/* Takes the record over, if it is one of this file. */
static void
take_record(struct import_state *s, const char *text, long long size, FILE *in)
{
	unsigned long long mark;
	long long inode, offset;
	size_t line;
	int n;

	if (sscanf(text, "%lld %lld %zu %llx%n", &inode, &offset, &line, &mark, &n) !=
		4 ||
	    inode != s->inode || offset < 0 || offset > size ||
	    mark != mark_of(s->fd, offset) || fseeko(in, (off_t)offset, SEEK_SET) != 0)
		return;
	s->offset = offset;
	s->line = line;
	for (text += n; sscanf(text, " %zu:%llx%n", &line, &mark, &n) == 2; text += n)
		import_state_alone(s, line, mark);
}

int
import_state_load(struct import_state *s, const struct ctl *c, const char *file, FILE *in,
    bool again, struct err *err)
{
	struct buf record = {0};
	struct stat st;
	long long version = 0;
	int n = 0, failed = 0;

	*s = (struct import_state){.fd = fileno(in)};
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	s->path = record_path(c, file);
	s->inode = (long long)st.st_ino;
	if (!again && s->path != NULL &&
	    file_read(s->path, RECORD_MAX, &record, NULL) == 0) {
		sscanf(buf_str(&record), "v%lld%n", &version, &n);
		failed = state_version_accept(
		    s->path, buf_as_span(&record), 0600, version, VERSION, err);
		if (!failed)
			take_record(s, buf_str(&record) + n, (long long)st.st_size, in);
	}
	buf_release(&record);
	return failed;
}

int
import_state_save(const struct import_state *s, struct err *err)
{
	struct buf record = {0};
	size_t i;
	int failed;

	if (s->path == NULL)
		return 0;
	buf_printf(&record, "v%d %lld %lld %zu %llx", VERSION, s->inode, s->offset,
	    s->line, (unsigned long long)mark_of(s->fd, s->offset));
	for (i = 0; i < s->n_alone; i++) {
		if (s->alone[i].line > s->line)
			buf_printf(&record, " %zu:%llx", s->alone[i].line,
			    (unsigned long long)s->alone[i].mark);
	}
	buf_putc(&record, '\n');
	failed = file_write(s->path, buf_as_span(&record), 0600, err);
	buf_release(&record);
	return failed;
}

void
import_state_release(struct import_state *s)
{
	free(s->path);
	free(s->alone);
}
