/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever is read as CSV reads the same again after it was written. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

static void
write_all(const struct csv *c, struct buf *out)
{
	size_t i;

	csv_put_row(out, (const char *const *)c->header.cells, c->columns);
	for (i = 0; i < c->n; i++)
		csv_put_row(out, (const char *const *)c->rows[i].cells, c->columns);
}

static void
compare(const struct csv *a, const struct csv *b)
{
	size_t i, j;

	if (a->columns != b->columns || a->n != b->n)
		abort();
	for (i = 0; i < a->n; i++) {
		for (j = 0; j < a->columns; j++) {
			if (strcmp(a->rows[i].cells[j], b->rows[i].cells[j]) != 0)
				abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = {(const char *)data, size};
	struct csv first, again;
	struct buf out = {0};
	struct err err = {0};

	if (csv_read(&first, "f", text, &err) == 0 && first.columns > 0) {
		write_all(&first, &out);
		if (csv_read(&again, "f", buf_as_span(&out), &err) != 0)
			abort();
		compare(&first, &again);
		csv_release(&again);
	}
	csv_release(&first);
	buf_release(&out);
	return 0;
}
