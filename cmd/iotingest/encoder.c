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
	const struct reading_keys *keys; /* NULL: the guide's */
	struct reading_report report;    /* of the last message */
	struct message_format *format;   /* of -F, or NULL */
	struct columns *columns;         /* of --format csv and tsv, or NULL */
	bool header;
	/* Returns NULL, or the word of why the message is rejected. */
	const char *(*put)(struct encoder *e, const struct msg *m, struct buf *out);
};

static const char *
put_message(struct encoder *e, const struct msg *m, struct buf *out)
{
	return message_line(out, m, e->topics);
}

static const char *
put_readings(struct encoder *e, const struct msg *m, struct buf *out)
{
	return message_readings(out, m, e->topics, e->keys, &e->report);
}

static const char *
put_row(struct encoder *e, const struct msg *m, struct buf *out)
{
	return message_columns_put(e->columns, out, m, e->topics, e->keys, &e->report);
}

static const char *
put_formatted(struct encoder *e, const struct msg *m, struct buf *out)
{
	if (m->reject != NULL)
		return m->reject;
	message_format_put(e->format, out, m, e->topics);
	buf_putc(out, '\n');
	return NULL;
}

int
encoder_new(struct encoder **out, const struct args *a, const struct topic_set *topics,
    struct err *err)
{
	struct encoder *e = xcalloc(1, sizeof(*e));

	e->topics = topics;
	e->keys = device_reading_keys_any(&a->keys) ? &a->keys : NULL;
	e->header = a->header;
	e->put = a->readings ? put_readings : put_message;
	*out = e;
	if (a->format != NULL) {
		e->put = put_formatted;
		return message_format_compile(&e->format, a->format, err);
	}
	if (a->form == FORMAT_NDJSON)
		return 0;
	e->put = put_row;
	return message_columns_compile(&e->columns, a->columns,
	    a->form == FORMAT_CSV ? MESSAGE_COLUMNS_CSV : MESSAGE_COLUMNS_TSV,
	    a->readings, err);
}

void
encoder_free(struct encoder *e)
{
	if (e == NULL)
		return;
	message_format_free(e->format);
	message_columns_free(e->columns);
	device_reading_release(&e->report);
	free(e);
}

bool
encoder_put(struct encoder *e, const struct msg *m, struct buf *out, size_t *readings,
    struct buf *bad)
{
	const char *error = e->put(e, m, out);

	*readings = e->report.count;
	if (error == NULL)
		error = e->report.error;
	if (error == NULL)
		return true;
	message_reject(bad, m, error, buf_as_span(&e->report.wrong));
	return false;
}

void
encoder_header(const struct encoder *e, struct buf *out)
{
	if (e->header)
		message_columns_header(e->columns, out);
}

const char *
encoder_head(const struct encoder *e)
{
	return e->format == NULL && e->columns == NULL ? ENCODER_HEAD : NULL;
}

void
encoder_make_visible(const struct encoder *e, struct buf *lines)
{
	struct buf shown = {0};

	if (encoder_head(e) != NULL)
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
