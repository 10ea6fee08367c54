/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the output side costs: lines FORM N [PAYLOAD] makes N messages of 1,000 devices, in turn, into lines
 * and throws them away; lines.sh counts instructions. And what it says: lines FORM - prints
 * what becomes of each payload that comes as four bytes of length, most significant first, and the
 * payload. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "msg/message_columns.h"
#include "payloads.h"

enum { DEVICES = 1000, PAYLOAD_MAX = 256, BATCH = 256 };

static struct {
	char topic[40], payload[PAYLOAD_MAX + ASCII_PLAIN_PADDING];
} devices[DEVICES];

static void
fill(char *p, size_t device)
{
	payloads_fill(p, payloads_mark(span_of(p), '@'), device);
	payloads_fill(p, payloads_mark(span_of(p), '#'), 1760000000);
}

static void
make_devices(const struct payload_kind *kind)
{
	size_t i;

	for (i = 0; i < DEVICES; i++) {
		const struct payload_text *t = &kind->texts[i % kind->n];

		snprintf(devices[i].topic, sizeof(devices[i].topic),
		    "iot/sensors/%s/data", t->id);
		snprintf(devices[i].payload, PAYLOAD_MAX, "%s", t->text);
		fill(devices[i].topic, i);
		fill(devices[i].payload, i);
	}
}

struct run {
	struct buf out;
	struct topic_set topics;
	struct columns *csv, *tsv, *readings;
	struct reading_report report;
};

static void
as_nothing(struct run *r, const struct msg *m)
{
	(void)r;
	(void)m;
}

/* The check of the text alone, which also rids it of white space. */
static void
as_scan(struct run *r, const struct msg *m)
{
	struct json_pair pairs[32];
	struct json_scan found = {.pairs = pairs, .room = ARRAY_LEN(pairs)};

	buf_reserve(&r->out, m->payload.n + ASCII_PLAIN_PADDING);
	if (json_scan_padded(m->payload, &found, r->out.p + r->out.n))
		r->out.n += found.value.n - found.blanks;
}

static void
as_line(struct run *r, const struct msg *m)
{
	message_line(&r->out, m, &r->topics);
}

static void
as_readings(struct run *r, const struct msg *m)
{
	message_readings(&r->out, m, &r->topics, NULL, &r->report);
}

static void
as_csv(struct run *r, const struct msg *m)
{
	message_columns_put(r->csv, &r->out, m, &r->topics, NULL, &r->report);
}

static void
as_tsv(struct run *r, const struct msg *m)
{
	message_columns_put(r->tsv, &r->out, m, &r->topics, NULL, &r->report);
}

static void
as_reading_rows(struct run *r, const struct msg *m)
{
	message_columns_put(r->readings, &r->out, m, &r->topics, NULL, &r->report);
}

static const struct {
	const char *name;
	void (*put)(struct run *r, const struct msg *m);
} forms[] = {
    {"nothing", as_nothing},
    {"scan", as_scan},
    {"line", as_line},
    {"readings", as_readings},
    {"csv", as_csv},
    {"tsv", as_tsv},
    {"readings-csv", as_reading_rows},
};

static void
print_frames(struct run *r, size_t form)
{
	unsigned char head[4];
	struct buf payload = {0};

	while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
		size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
		    (size_t)head[2] << 8 | head[3];

		buf_clear(&payload);
		buf_reserve(&payload, n + ASCII_PLAIN_PADDING);
		payload.n = fread(payload.p, 1, n, stdin);
		forms[form].put(r,
		    &(struct msg){.topic = SPAN("iot/sensors/D/data"),
			.payload = buf_as_span(&payload),
			.padded = true});
		fwrite(r->out.p, 1, r->out.n, stdout);
		buf_clear(&r->out);
	}
	buf_release(&payload);
}

static void
count_bytes(struct run *r, size_t form, size_t n)
{
	size_t bytes = 0, i;

	for (i = 0; i < n; i++) {
		const struct msg m = {.topic = span_of(devices[i % DEVICES].topic),
		    .payload = span_of(devices[i % DEVICES].payload),
		    .padded = true,
		    .received_us = 1795438040123456 + (int64_t)(i / BATCH) * 1000,
		    .qos = 1,
		    .mid = (uint16_t)(i % 65535 + 1)};

		forms[form].put(r, &m);
		if (i % BATCH == BATCH - 1) {
			bytes += r->out.n;
			buf_clear(&r->out);
		}
	}
	printf("%zu\n", bytes + r->out.n);
}

int
main(int argc, char **argv)
{
	struct run r = {0};
	struct err err = {0};
	size_t form = 0;
	const struct payload_kind *payload =
	    payloads_find(argc == 4 ? argv[3] : "compact");

	while (argc >= 3 && form < ARRAY_LEN(forms) &&
	    strcmp(forms[form].name, argv[1]) != 0)
		form++;
	if (argc < 3 || form == ARRAY_LEN(forms) || payload == NULL ||
	    topic_set_compile(&r.topics, &(struct topicopts){0}, &err) ||
	    message_columns_compile(&r.csv, NULL, MESSAGE_COLUMNS_CSV, false, &err) ||
	    message_columns_compile(&r.tsv, NULL, MESSAGE_COLUMNS_TSV, false, &err) ||
	    message_columns_compile(&r.readings, NULL, MESSAGE_COLUMNS_CSV, true, &err)) {
		fputs("usage: lines nothing|line|readings|csv|tsv|readings-csv N|- "
		      "[PAYLOAD]\n",
		    stderr);
		return 2;
	}
	make_devices(payload);
	if (strcmp(argv[2], "-") == 0)
		print_frames(&r, form);
	else
		count_bytes(&r, form, strtoul(argv[2], NULL, 10));
	message_columns_free(r.csv);
	message_columns_free(r.tsv);
	message_columns_free(r.readings);
	device_reading_release(&r.report);
	topic_set_release(&r.topics);
	buf_release(&r.out);
	return 0;
}
