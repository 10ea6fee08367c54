/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading lines: what is around sensor and value is written once a payload. */
#include "base/emit.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/topic_set.h"
#include "msg/message_int.h"

enum { MADE_ID, MADE_TOPIC, MADE_NAME, MADE };

/* The lines of a payload differ in sensor and value: what stands around these is copied from its first
 * line, places in `out`. */
struct lines {
	struct buf *out;
	const struct msg *m;
	struct topic_vars vars;
	bool plain;     /* the topic is, and so what is captured from it */
	size_t from;    /* where the message's lines begin in `out` */
	size_t count;   /* of the payload's lines */
	size_t payload; /* which one */
	bool mismatch;  /* of this one */
	bool any_mismatch;
	size_t head, head_n, tail, tail_n;
	struct span id, topic, timestamp; /* as they stand in lines */
	/* Where they are, when not as they were sent; clear when the first one is: `makes`. */
	struct buf made[MADE];
	bool makes;
};

static struct buf *
make(struct lines *l, size_t which)
{
	if (!l->makes)
		memset(l->made, 0, sizeof(l->made));
	l->makes = true;
	buf_clear(&l->made[which]);
	return &l->made[which];
}

/* What stands between the quotes. */
static struct span
escaped(struct buf *made, struct span s)
{
	json_put_string(made, s);
	return json_between_quotes(buf_as_span(made));
}

static void
begin(struct lines *l, const struct reading *r)
{
	l->count = 0;
	l->payload = r->payload;
	l->id = r->device_id;
	l->topic = l->m->topic;
	l->timestamp = r->timestamp;
	l->mismatch = r->id_mismatch;
	l->any_mismatch |= r->id_mismatch;
	if (!l->plain)
		l->topic = escaped(make(l, MADE_TOPIC), l->topic);
	if (l->id.p != NULL && (!l->plain || l->vars.v[TOPIC_DEVICE_ID].p == NULL))
		l->id = escaped(make(l, MADE_ID), l->id);
}

static void
end(struct lines *l)
{
	size_t i;

	for (i = 0; l->makes && i < MADE; i++)
		buf_release(&l->made[i]);
}

/* Up to the sensor's name. */
static char *
write_head(struct lines *l, char *p)
{
	char *from = p;

	if (l->count > 0)
		return emit_span(p, (struct span){l->out->p + l->head, l->head_n});
	p = message_write_head(p, l->m->received_us);
	if (l->id.p != NULL)
		p = EMIT(emit_span(EMIT(p, ",\"device_id\":\""), l->id), "\"");
	p = EMIT(p, ",\"sensor\":");
	l->head = (size_t)(from - l->out->p);
	l->head_n = (size_t)(p - from);
	return p;
}

/* From behind the value on. */
static char *
write_tail(struct lines *l, char *p)
{
	char *from = p;

	if (l->count > 0)
		return emit_span(p, (struct span){l->out->p + l->tail, l->tail_n});
	if (l->timestamp.p != NULL)
		p = emit_span(EMIT(p, ",\"timestamp\":"), l->timestamp);
	p = EMIT(emit_span(EMIT(p, ",\"topic\":\""), l->topic), "\"");
	p = message_write_delivery(p, l->m);
	if (l->mismatch)
		p = EMIT(p, ",\"id_mismatch\":true");
	p = EMIT(p, "}\n");
	l->tail = (size_t)(from - l->out->p);
	l->tail_n = (size_t)(p - from);
	return p;
}

/* `name` is the sensor's, and what stands between it and the value. */
static inline void
put_line(struct lines *l, struct span name, struct span value)
{
	const size_t around = l->id.n + l->topic.n + l->timestamp.n;
	char *p = buf_reserve(l->out, LINE_ROOM + around + name.n + value.n);

	p = emit_span(write_head(l, p), name);
	p = write_tail(l, emit_span(p, value));
	l->out->n = (size_t)(p - l->out->p);
	l->count++;
}

static bool
put_reading(void *arg, const struct reading *r)
{
	struct lines *l = arg;
	struct buf *name = make(l, MADE_NAME);

	if (l->out->n - l->from > READING_LINES)
		return false;
	if (l->count == 0 || r->payload != l->payload)
		begin(l, r);
	message_put_string(name, r->sensor);
	PUT(name, ",\"value\":");
	put_line(l, buf_as_span(name), r->value);
	return true;
}

/* The lines of a payload whose shape is known; false: it is not, or wants a closer look. */
static bool
put_known_lines(struct lines *l, struct reading_report *report)
{
	struct span values[SHAPE_VALUES], claim = {0};
	const struct message_shape *shape = message_find_shape(l->m, values);
	const struct shape_reading *known, *behind;
	struct reading r = {.device_id = l->vars.v[TOPIC_DEVICE_ID]};

	if (shape == NULL || shape->readings_n == 0)
		return false;
	if (shape->claim >= 0) {
		claim = values[shape->claim];
		if (*claim.p != '"' || claim.n > READING_NAME)
			return false;
		claim = json_between_quotes(claim);
		if (r.device_id.p == NULL)
			r.device_id = claim;
		r.id_mismatch = claim.n != r.device_id.n ||
		    !span_same_bytes(claim.p, r.device_id.p, claim.n);
	}
	if (shape->timestamp >= 0)
		r.timestamp = values[shape->timestamp];
	if (r.timestamp.n > READING_TIMESTAMP)
		return false;
	begin(l, &r);
	known = shape->readings;
	for (behind = known + shape->readings_n; known < behind; known++)
		put_line(l,
		    (struct span){shape->text + known->before.at, known->before.n},
		    values[known->value]);
	report->count = l->count;
	return true;
}

static const char *
put_lines(struct lines *l, const struct reading_keys *keys, struct reading_report *report)
{
	const struct reading_source from = message_reading_source(l->m, &l->vars, keys);

	/* Shapes are those of the guide's members. */
	if (keys == NULL) {
		if (put_known_lines(l, report))
			return NULL;
		message_learn_shape(l->m->payload);
	}
	return device_reading_each(&from, put_reading, l, report);
}

struct reading_source
message_reading_source(
    const struct msg *m, const struct topic_vars *vars, const struct reading_keys *keys)
{
	return (struct reading_source){.payload = m->payload,
	    .device_id = vars->v[TOPIC_DEVICE_ID],
	    .sensor_type = vars->v[TOPIC_SENSOR_TYPE],
	    .keys = keys};
}

void
message_begin_report(struct reading_report *report)
{
	report->count = 0;
	report->error = NULL;
	report->wrong.n = 0;
}

const char *
message_end_report(struct reading_report *report, const char *error, bool claims_another,
    struct buf *out, size_t from)
{
	if (error == NULL && claims_another) {
		error = "id";
		report->wrong.n = 0;
	}
	if (error != NULL) {
		out->n = from;
		report->count = 0;
	}
	return error;
}

const char *
message_readings(struct buf *out, const struct msg *m, const struct topic_set *topics,
    const struct reading_keys *keys, struct reading_report *report)
{
	struct lines l;
	const char *error;

	message_begin_report(report);
	if (m->reject != NULL)
		return m->reject;
	l.out = out;
	l.m = m;
	l.from = out->n;
	l.count = 0;
	l.any_mismatch = l.makes = false;
	l.plain =
	    m->plain || ascii_plain_all((const unsigned char *)m->topic.p, m->topic.n);
	if (!l.plain && !utf8_is_valid(m->topic.p, m->topic.n))
		return "topic";
	message_capture(m, topics, &l.vars);
	error = put_lines(&l, keys, report);
	end(&l);
	return message_end_report(
	    report, error, l.any_mismatch && topics->strict, out, l.from);
}
