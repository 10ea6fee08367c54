/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/output/show.h"

void
report_start(struct report *r, const struct ctl *c, const char *const *columns, size_t n,
    unsigned numbers)
{
	*r = (struct report){.ctl = c,
	    .format = (enum format)c->args->format,
	    .columns = columns,
	    .n = n,
	    .numbers = numbers};
}

static void
put_value(struct buf *out, const char *cell, bool number)
{
	if (number)
		buf_puts(out, cell[0] != '\0' ? cell : "null");
	else
		json_put_text(out, span_of(cell));
}

static void
put_object(const struct report *r, struct buf *out, char *const *cells)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		buf_printf(out, "%s\"%s\":", i > 0 ? "," : "{", r->columns[i]);
		put_value(out, cells[i], (r->numbers >> i & 1) != 0);
	}
	buf_putc(out, '}');
}

/* What goes out at once; the rest waits for report_end. */
static void
flush_row(struct report *r)
{
	struct buf out = {0};

	if (r->format == FORMAT_CSV) {
		if (r->rows == 1 && !r->ctl->args->no_header)
			csv_put_row(&out, r->columns, r->n);
		csv_put_row(&out, (const char *const *)r->cells.v, r->n);
	} else {
		put_object(r, &out, r->cells.v);
		buf_putc(&out, '\n');
	}
	show_bytes(buf_as_span(&out));
	fflush(stdout);
	buf_release(&out);
	strv_release(&r->cells);
}

void
report_row(struct report *r, const char *const *cells)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		strv_add(&r->cells, cells[i] != NULL ? cells[i] : "");
	r->rows++;
	if (r->format == FORMAT_CSV || r->format == FORMAT_NDJSON)
		flush_row(r);
}

void
report_end(struct report *r)
{
	struct buf out = {0};
	size_t i;

	if (r->format == FORMAT_TABLE && r->rows != 0) {
		show_table(&r->cells, r->n, r->ctl->args->no_header ? NULL : r->columns);
	} else if (r->format == FORMAT_JSON || r->format == FORMAT_YAML) {
		/* JSON is valid YAML, too. */
		buf_putc(&out, '[');
		for (i = 0; i < r->rows; i++) {
			buf_puts(&out, i > 0 ? ",\n " : "");
			put_object(r, &out, r->cells.v + i * r->n);
		}
		buf_puts(&out, "]\n");
		show_bytes(buf_as_span(&out));
	}
	buf_release(&out);
	strv_release(&r->cells);
}
