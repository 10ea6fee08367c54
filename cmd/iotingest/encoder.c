/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/encoder.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/visible.h"
#include "model/topic_set.h"
#include "msg/message_columns.h"
#include "msg/message_format.h"

struct encoder {
	const struct topic_set *topics;
	struct message_format *format; /* of -F, or NULL */
	struct columns *columns;       /* of --format csv and tsv, or NULL */
	bool header;
	/* Returns NULL, or the word of why the message is rejected. */
	const char *(*put)(
	    struct encoder *l, const struct msg *m, struct buf *out, size_t *readings);
};

static const char *
put_message(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings)
{
	(void)readings;
	return message_line(out, m, l->topics);
}

static const char *
put_readings(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings)
{
	return message_readings(out, m, l->topics, readings);
}

static const char *
put_row(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings)
{
	return message_columns_put(l->columns, out, m, l->topics, readings);
}

static const char *
put_formatted(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings)
{
	(void)readings;
	if (m->reject != NULL)
		return m->reject;
	message_format_put(l->format, out, m, l->topics);
	buf_putc(out, '\n');
	return NULL;
}

int
encoder_new(struct encoder **out, const struct args *a, const struct topic_set *topics,
    struct err *err)
{
	struct encoder *l = xcalloc(1, sizeof(*l));

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
	return message_columns_compile(&l->columns, a->columns,
	    a->form == FORMAT_CSV ? MESSAGE_COLUMNS_CSV : MESSAGE_COLUMNS_TSV,
	    a->readings, err);
}

void
encoder_free(struct encoder *l)
{
	if (l == NULL)
		return;
	message_format_free(l->format);
	message_columns_free(l->columns);
	free(l);
}

bool
encoder_put(struct encoder *l, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad)
{
	const char *error = l->put(l, m, out, readings);

	if (error == NULL)
		return true;
	message_reject(bad, m, error);
	return false;
}

void
encoder_header(const struct encoder *l, struct buf *out)
{
	if (l->header)
		message_columns_header(l->columns, out);
}

const char *
encoder_head(const struct encoder *l)
{
	return l->format == NULL && l->columns == NULL ? "{\"received_at\":\"" : NULL;
}

void
encoder_make_visible(const struct encoder *l, struct buf *lines)
{
	struct buf shown = {0};

	if (encoder_head(l) != NULL)
		visible_put_json(&shown, buf_as_span(lines));
	else
		visible_put_lines(&shown, buf_as_span(lines));
	buf_release(lines);
	*lines = shown;
}

void
encoder_make_rejects_visible(struct buf *bad)
{
	struct buf shown = {0};

	visible_put_json(&shown, buf_as_span(bad));
	buf_release(bad);
	*bad = shown;
}
