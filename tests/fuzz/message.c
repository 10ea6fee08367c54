/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input: a topic, a newline, a payload. Whatever the bytes, each line is one line of valid JSON, each row
 * has its columns, nothing is left of what is refused, and a reading is one that every row can hold. */
#include <stdlib.h>

#include "base/json.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "model/topic_set.h"
#include "msg/message_columns.h"
#include "msg/message_format.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static size_t
check_lines(const struct buf *b)
{
	size_t from = 0, lines = 0;

	while (from < b->n) {
		const char *end = memchr(b->p + from, '\n', b->n - from);

		require(end != NULL);
		require(json_check(
		    (struct span){b->p + from, (size_t)(end - b->p) - from}, NULL, NULL));
		from = (size_t)(end - b->p) + 1;
		lines++;
	}
	return lines;
}

/* Bytes between line feeds and separators that are not inside quotes. */
static void
check_rows(const struct buf *b, char separator, size_t columns, size_t rows)
{
	size_t cells = 0, lines = 0, i;
	bool quoted = false;

	for (i = 0; i < b->n; i++) {
		require(b->p[i] != '\0');
		quoted ^= separator == ',' && b->p[i] == '"';
		if (!quoted && b->p[i] == separator)
			cells++;
		if (!quoted && b->p[i] == '\n') {
			require(++cells == columns);
			cells = 0;
			lines++;
		}
	}
	require(!quoted && cells == 0 && lines == rows);
}

static void
make_rows(const struct msg *m, const struct topic_set *topics,
    enum message_columns_format format, bool readings)
{
	static const struct {
		const char *list;
		size_t n;
	} lists[] = {
	    {"received_at,topic,device_id,dup,payload,payload_text,payload_b64", 7},
	    {"topic,device_id,sensor,value,value_type,timestamp,id_mismatch", 7}};
	struct columns *c = NULL;
	struct buf b = {0};
	struct err err = {0};
	struct reading_report report = {0};
	const char *word;

	require(message_columns_compile(
		    &c, lists[readings].list, format, readings, &err) == 0);
	word = message_columns_put(c, &b, m, topics, NULL, &report);
	require(!readings || (word == NULL) == (report.count > 0));
	check_rows(&b, format == MESSAGE_COLUMNS_CSV ? ',' : '\t', lists[readings].n,
	    readings || word != NULL ? report.count : 1);
	message_columns_free(c);
	device_reading_release(&report);
	buf_release(&b);
}

static void
make_format(const struct msg *m, const struct topic_set *topics)
{
	char text[64];
	size_t n = m->topic.n < sizeof(text) - 1 ? m->topic.n : sizeof(text) - 1;
	struct message_format *f = NULL;
	struct err err = {0};
	struct buf b = {0};

	memcpy(text, m->topic.p, n);
	text[n] = '\0';
	if (message_format_compile(&f, text, &err) == 0)
		message_format_put(f, &b, m, topics);
	message_format_free(f);
	buf_release(&b);
}

static void
put_either(
    struct buf *out, const struct msg *m, const struct topic_set *topics, bool readings)
{
	struct reading_report report = {0};
	const char *word = readings ? message_readings(out, m, topics, NULL, &report)
				    : message_line(out, m, topics);

	if (word != NULL)
		buf_puts(out, word);
	if (report.error != NULL)
		buf_puts(out, report.error);
	buf_span(out, buf_as_span(&report.wrong));
	device_reading_release(&report);
}

/* Twice: before a shape is known, and after. */
static void
require_same_padded(const struct msg *m, const struct topic_set *topics, bool readings)
{
	struct buf bytes = {0}, want = {0}, b = {0};
	struct msg padded = *m;
	int i;

	buf_span(&bytes, m->payload);
	memset(buf_reserve(&bytes, ASCII_PLAIN_PADDING), '0', ASCII_PLAIN_PADDING);
	padded.payload = buf_as_span(&bytes);
	padded.padded = true;
	put_either(&want, m, topics, readings);
	for (i = 0; i < 2; i++) {
		buf_clear(&b);
		put_either(&b, &padded, topics, readings);
		require(span_eq(buf_as_span(&b), buf_as_span(&want)));
	}
	buf_release(&bytes);
	buf_release(&want);
	buf_release(&b);
}

static bool
check_reading(void *arg, const struct reading *r)
{
	size_t *count = arg;

	require(r->sensor.n <= READING_NAME && utf8_is_valid(r->sensor.p, r->sensor.n));
	require(memchr(r->sensor.p, '\0', r->sensor.n) == NULL);
	require(json_check(r->value, NULL, NULL));
	require(r->timestamp.p == NULL ||
	    (r->timestamp.n <= READING_TIMESTAMP &&
		json_check(r->timestamp, NULL, NULL)));
	require(r->payload < READING_PAYLOADS);
	(*count)++;
	return r->sensor.n % 7 != 6;
}

static void
check_readings(const struct msg *m, bool keys, bool type, bool id)
{
	static char ts[] = "ts", path[] = "a.b";
	static char *names[] = {ts, path};
	static const struct reading_keys named = {{names, 2}, {names + 1, 1}, {names, 1}};
	const struct reading_source from = {.payload = m->payload,
	    .device_id = id ? SPAN("17") : (struct span){0},
	    .sensor_type = type ? SPAN("t") : (struct span){0},
	    .keys = keys ? &named : NULL};
	struct reading_report report = {0};
	struct buf list = {0};
	size_t count = 0;
	const char *word = device_reading_each(&from, check_reading, &count, &report);

	require(report.count <= count && count <= READING_PAYLOADS * READING_VALUES);
	require((word == NULL) == (report.count > 0));
	require(report.error == NULL || report.wrong.n != 0);
	buf_putc(&list, '[');
	buf_span(&list, buf_as_span(&report.wrong));
	buf_putc(&list, ']');
	require(json_check(buf_as_span(&list), NULL, NULL));
	buf_release(&list);
	device_reading_release(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topic_set topics;
	const uint8_t *cut = memchr(data, '\n', size);
	size_t n = cut != NULL ? (size_t)(cut - data) : 0;
	struct msg m = {.topic = {(const char *)data, n}, .qos = 1, .mid = 1};
	struct buf b = {0};
	struct err err = {0};
	struct reading_report report = {0};
	const char *word;
	int i;

	if (topics.data == NULL)
		require(topic_set_compile(&topics, &(struct topicopts){0}, &err) == 0);
	m.payload = cut != NULL ? (struct span){(const char *)cut + 1, size - n - 1}
				: (struct span){(const char *)data, size};
	topics.strict = size % 2 != 0;
	word = message_line(&b, &m, &topics);
	require(check_lines(&b) == (word == NULL));
	require_same_padded(&m, &topics, false);
	require_same_padded(&m, &topics, true);
	for (i = 0; i < 8; i++)
		check_readings(&m, (i & 1) != 0, (i & 2) != 0, (i & 4) != 0);
	buf_clear(&b);
	word = message_readings(&b, &m, &topics, NULL, &report);
	require(check_lines(&b) == report.count && (word == NULL) == (report.count > 0));
	buf_clear(&b);
	message_reject(&b, &m, word != NULL ? word : "shape", buf_as_span(&report.wrong));
	require(check_lines(&b) == 1);
	buf_clear(&b);
	m.size = size;
	message_reject(&b, &m, "size", (struct span){0});
	require(check_lines(&b) == 1);
	make_rows(&m, &topics, MESSAGE_COLUMNS_CSV, false);
	make_rows(&m, &topics, MESSAGE_COLUMNS_TSV, false);
	make_rows(&m, &topics, MESSAGE_COLUMNS_CSV, true);
	make_rows(&m, &topics, MESSAGE_COLUMNS_TSV, true);
	make_format(&m, &topics);
	device_reading_release(&report);
	buf_release(&b);
	return 0;
}
