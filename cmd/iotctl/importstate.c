/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "importstate.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { RECORD_MAX = 256 };

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

void
import_state_load(
    struct import_state *s, const struct ctl *c, const char *file, FILE *in, bool again)
{
	struct buf record = {0};
	long long inode = 0, offset = 0;
	size_t line = 0;
	struct stat st;

	*s = (struct import_state){0};
	if (fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode))
		return;
	s->path = record_path(c, file);
	s->inode = (long long)st.st_ino;
	if (again || s->path == NULL || file_read(s->path, RECORD_MAX, &record, NULL) ||
	    sscanf(buf_str(&record), "%lld %lld %zu", &inode, &offset, &line) != 3) {
		buf_release(&record);
		return;
	}
	if (inode == s->inode && offset <= (long long)st.st_size &&
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
	record = xasprintf("%lld %lld %zu\n", s->inode, s->offset, s->line);
	failed = file_write(s->path, span_of(record), 0600, err);
	free(record);
	return failed;
}

void
import_state_release(struct import_state *s)
{
	free(s->path);
}
