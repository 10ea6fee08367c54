/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Payloads as readings: both shapes of the platform, walked in payload order, bytes kept. */
#include "base/emit.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/topic_set.h"
#include "msg/message_int.h"

/* Values nested deeper than this are no readings; the walk's stack stays small. */
enum { DEPTH_MAX = 16 };

struct walk {
	struct buf name; /* dotted path so far */
	struct reading reading;
	void (*fn)(void *arg, const struct reading *r);
	void *arg;
	bool escapes; /* there are some in names */
	bool too_deep;
};

static struct span
between_quotes(struct span string)
{
	return (struct span){string.p + 1, string.n - 2};
}

/* A string's characters: those between its quotes, if none is escaped, else unescaped into `b`. */
static struct span
characters(struct span string, bool escapes, struct buf *b)
{
	if (!escapes)
		return between_quotes(string);
	buf_clear(b);
	json_unescape(b, string);
	return buf_as_span(b);
}

static void
give(struct walk *w, struct span name, struct span value)
{
	w->reading.sensor = name;
	w->reading.value = value;
	w->fn(w->arg, &w->reading);
}

static void
push_name(struct walk *w, const struct json_iter *it, size_t index)
{
	if (w->name.n != 0)
		buf_putc(&w->name, '.');
	if (it->key.p != NULL)
		json_unescape(&w->name, it->key);
	else
		buf_u64(&w->name, index);
}

static bool
is_scalar(struct span value)
{
	enum json_kind kind = json_kind(value);

	return kind != JSON_KIND_OBJECT && kind != JSON_KIND_ARRAY;
}

/* The values of a container whose path is w->name, in order. */
static void
walk_container(struct walk *w, struct span value, int depth)
{
	struct json_iter it = {.value = value};
	size_t base = w->name.n;
	size_t index;

	if (depth == DEPTH_MAX) {
		w->too_deep = true;
		return;
	}
	for (index = 0; json_next(&it); index++) {
		push_name(w, &it, index);
		if (is_scalar(it.item))
			give(w, buf_as_span(&w->name), it.item);
		else
			walk_container(w, it.item, depth + 1);
		w->name.n = base;
	}
}

/* The sensors: all members, in the flat shape of the ESP32 but the envelope's own. */
static void
walk_sensors(struct walk *w, struct span object, bool flat)
{
	struct json_iter it = {.value = object};

	while (json_next(&it)) {
		if (flat &&
		    (span_is(it.key, "\"device_id\"") ||
			span_is(it.key, "\"timestamp\"")))
			continue;
		if (is_scalar(it.item)) {
			give(w, characters(it.key, w->escapes, &w->name), it.item);
		} else {
			push_name(w, &it, 0);
			walk_container(w, it.item, 1);
		}
		w->name.n = 0;
	}
}

static const char *
walk_payload(struct walk *w, struct span payload, struct buf *claim)
{
	struct json_pair pairs[8];
	struct json_scan found;
	struct span sensors, id;

	found.pairs = pairs;
	found.room = ARRAY_LEN(pairs);
	if (!json_scan(payload, &found))
		return utf8_is_valid(payload.p, payload.n) ? "json" : "utf8";
	if (json_kind(found.value) != JSON_KIND_OBJECT)
		return "shape";
	w->escapes = found.escapes;
	json_scan_member(&found, SPAN("timestamp"), &w->reading.timestamp);
	if (json_scan_member(&found, SPAN("device_id"), &id) &&
	    json_kind(id) == JSON_KIND_STRING)
		w->reading.device_id = characters(id, found.escapes, claim);
	if (!json_scan_member(&found, SPAN("sensors"), &sensors))
		walk_sensors(w, found.value, true);
	else if (json_kind(sensors) == JSON_KIND_OBJECT)
		walk_sensors(w, sensors, false);
	else
		return "shape";
	return w->too_deep ? "shape" : NULL;
}

const char *
message_each_reading(
    struct span payload, void (*fn)(void *arg, const struct reading *r), void *arg)
{
	struct walk w = {.fn = fn, .arg = arg};
	struct buf claim = {0};
	const char *error = walk_payload(&w, payload, &claim);

	buf_release(&w.name);
	buf_release(&claim);
	return error;
}

bool
message_reading_mismatch(const struct reading *r, struct span device_id)
{
	return r->device_id.p != NULL && device_id.p != NULL &&
	    (r->device_id.n != device_id.n ||
		!span_same_bytes(r->device_id.p, device_id.p, device_id.n));
}

enum { MADE_ID, MADE_TOPIC, MADE_TIMESTAMP, MADE_NAME, MADE };

/* The lines of a message differ in sensor and value: what stands around these is copied from the first
 * line, places in `out`. */
struct lines {
	struct buf *out;
	const struct msg *m;
	struct span device_id; /* of the topic */
	bool plain;            /* the topic is, and so what is captured from it */
	size_t count;
	bool mismatch;
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
	return between_quotes(buf_as_span(made));
}

static void
begin(struct lines *l, const struct reading *r)
{
	l->id = l->device_id.p != NULL ? l->device_id : r->device_id;
	l->topic = l->m->topic;
	l->timestamp = r->timestamp;
	l->mismatch = message_reading_mismatch(r, l->device_id);
	if (!l->plain)
		l->topic = escaped(make(l, MADE_TOPIC), l->topic);
	if (l->id.p != NULL && (!l->plain || l->device_id.p == NULL))
		l->id = escaped(make(l, MADE_ID), l->id);
	if (!is_scalar(l->timestamp)) {
		json_put_compact(make(l, MADE_TIMESTAMP), l->timestamp);
		l->timestamp = buf_as_span(&l->made[MADE_TIMESTAMP]);
	}
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

static void
put_reading(void *arg, const struct reading *r)
{
	struct lines *l = arg;
	struct buf *name = make(l, MADE_NAME);

	if (l->count == 0)
		begin(l, r);
	message_put_string(name, r->sensor);
	PUT(name, ",\"value\":");
	put_line(l, buf_as_span(name), r->value);
}

/* The lines of a payload whose shape is known; false: it is not. */
static bool
put_known_lines(struct lines *l)
{
	struct span values[SHAPE_VALUES];
	const struct message_shape *shape = message_find_shape(l->m, values);
	const struct shape_reading *known, *behind;
	struct reading r = {0};

	if (shape == NULL || shape->readings_n == 0)
		return false;
	if (shape->claim >= 0 && values[shape->claim].p[0] == '"')
		r.device_id = between_quotes(values[shape->claim]);
	if (shape->timestamp >= 0)
		r.timestamp = values[shape->timestamp];
	begin(l, &r);
	known = shape->readings;
	for (behind = known + shape->readings_n; known < behind; known++)
		put_line(l, (struct span){shape->names + known->at, known->n},
		    values[known->value]);
	return true;
}

static const char *
put_lines(struct lines *l)
{
	const char *error;

	if (put_known_lines(l))
		return NULL;
	message_learn_shape(l->m->payload);
	error = message_each_reading(l->m->payload, put_reading, l);
	return error == NULL && l->count == 0 ? "shape" : error;
}

const char *
message_readings(
    struct buf *out, const struct msg *m, const struct topic_set *topics, size_t *count)
{
	struct lines l;
	size_t from = out->n;
	struct topic_vars vars;
	const char *error;

	if (m->reject != NULL)
		return m->reject;
	l.out = out;
	l.m = m;
	l.count = 0;
	l.mismatch = l.makes = false;
	l.plain =
	    m->plain || ascii_plain_all((const unsigned char *)m->topic.p, m->topic.n);
	if (!l.plain && !utf8_is_valid(m->topic.p, m->topic.n))
		return "topic";
	message_capture(m, topics, &vars);
	l.device_id = vars.v[TOPIC_DEVICE_ID];
	error = put_lines(&l);
	end(&l);
	if (error == NULL && l.mismatch && topics->strict)
		error = "id";
	if (error != NULL)
		out->n = from;
	else if (count != NULL)
		*count = l.count;
	return error;
}
