/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/encoder.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "msg/message_columns.h"

struct lines {
	const struct topics *topics;
	struct message_format *format; /* of -F, or NULL */
	struct columns *columns;       /* of --format csv and tsv, or NULL */
	bool header;
	/* Returns NULL, or the word of why the message is rejected. */
	const char *(*put)(
	    struct lines *l, const struct msg *m, struct buf *out, size_t *readings);
};

static const char *
put_message(struct lines *l, const struct msg *m, struct buf *out, size_t *readings)
{
	(void)readings;
	return message_line(out, m, l->topics);
}

static const char *
put_readings(struct lines *l, const struct msg *m, struct buf *out, size_t *readings)
{
	return message_readings(out, m, l->topics, readings);
}

static const char *
put_row(struct lines *l, const struct msg *m, struct buf *out, size_t *readings)
{
	return columns_put(l->columns, out, m, l->topics, readings);
}

static const char *
put_formatted(struct lines *l, const struct msg *m, struct buf *out, size_t *readings)
{
	(void)readings;
	if (m->reject != NULL)
		return m->reject;
	message_format_put(l->format, out, m, l->topics);
	buf_putc(out, '\n');
	return NULL;
}

int
lines_new(struct lines **out, const struct args *a, const struct topics *topics,
    struct err *err)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	l->topics = topics;
	l->header = a->header;
	l->put = a->readings ? put_readings : put_message;
	*out = l;
	if (a->format != NULL) {
		l->put = put_formatted;
		return message_format_compile(&l->format, a->format, err);
	}
	if (a->form == FORMAT_NDJSON)
		return 0;
	l->put = put_row;
	return columns_compile(&l->columns, a->columns,
	    a->form == FORMAT_CSV ? COLUMNS_CSV : COLUMNS_TSV, a->readings, err);
}

void
lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	message_format_free(l->format);
	columns_free(l->columns);
	free(l);
}

bool
lines_put(struct lines *l, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad)
{
	const char *error = l->put(l, m, out, readings);

	if (error == NULL)
		return true;
	message_reject(bad, m, error);
	return false;
}

void
lines_header(const struct lines *l, struct buf *out)
{
	if (l->header)
		columns_header(l->columns, out);
}

const char *
lines_head(const struct lines *l)
{
	return l->format == NULL && l->columns == NULL ? "{\"received_at\":\"" : NULL;
}

void
lines_make_visible(const struct lines *l, struct buf *lines)
{
	struct buf shown = {0};

	if (lines_head(l) != NULL)
		json_put_visible(&shown, buf_as_span(lines));
	else
		text_put_visible(&shown, buf_as_span(lines));
	buf_release(lines);
	*lines = shown;
}

void
rejects_make_visible(struct buf *bad)
{
	struct buf shown = {0};

	json_put_visible(&shown, buf_as_span(bad));
	buf_release(bad);
	*bad = shown;
}
