/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/output/result_line.h"

#include <stdio.h>

#include "base/json.h"
#include "iotctl/output/show.h"

void
result_line_show(const struct result_line *l)
{
	struct buf line = {0};

	buf_printf(&line, "{\"row\":%zu", l->row);
	if (l->resource != NULL)
		buf_printf(&line, ",\"resource\":\"%s\"", l->resource);
	buf_printf(&line, ",\"%s\":", l->key);
	json_put_string(&line, span_of(l->name));
	buf_printf(&line, ",\"result\":\"%s\"", l->result);
	if (l->why != NULL) {
		buf_puts(&line, ",\"error\":");
		/* It may be cut within a character, or hold bytes of a server that
		 * are no UTF-8. */
		json_put_text(&line, span_of(l->why->text));
	}
	buf_puts(&line, "}\n");
	show_bytes(buf_as_span(&line));
	fflush(stdout);
	buf_release(&line);
}
