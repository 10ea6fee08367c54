/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Payloads as readings: both shapes of the platform, walked in payload order, bytes kept. */
#include "base/json.h"
#include "base/text.h"
#include "conf/messageparts.h"

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

/* A string's characters: those between its quotes, if none is escaped, else unescaped into `b`. */
static struct span
characters(struct span string, bool escapes, struct buf *b)
{
	if (!escapes)
		return (struct span){string.p + 1, string.n - 2};
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
		return text_is_utf8(payload.p, payload.n) ? "json" : "utf8";
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
	    !span_eq(r->device_id, device_id);
}

/* The lines of a message differ in sensor and value: what stands around these is copied from the first
 * line, places in `out`. */
struct lines {
	struct buf *out;
	const struct msg *m;
	struct span device_id;
	size_t count;
	bool mismatch;
	size_t head, head_n, tail, tail_n;
};

static void
put_first_head(struct lines *l, const struct reading *r)
{
	struct span id = l->device_id.p != NULL ? l->device_id : r->device_id;

	l->head = l->out->n;
	PUT(l->out, "{\"received_at\":\"");
	buf_time(l->out, l->m->received_us);
	PUT(l->out, "\"");
	if (id.p != NULL) {
		PUT(l->out, ",\"device_id\":");
		message_put_string(l->out, id);
	}
	PUT(l->out, ",\"sensor\":");
	l->head_n = l->out->n - l->head;
}

static void
put_first_tail(struct lines *l, const struct reading *r)
{
	l->tail = l->out->n;
	if (r->timestamp.p != NULL) {
		PUT(l->out, ",\"timestamp\":");
		if (is_scalar(r->timestamp))
			buf_span(l->out, r->timestamp);
		else
			json_put_compact(l->out, r->timestamp);
	}
	PUT(l->out, ",\"topic\":");
	message_put_string(l->out, l->m->topic);
	message_put_delivery(l->out, l->m);
	l->mismatch = message_reading_mismatch(r, l->device_id);
	if (l->mismatch)
		PUT(l->out, ",\"id_mismatch\":true");
	PUT(l->out, "}\n");
	l->tail_n = l->out->n - l->tail;
}

static void
copy(struct buf *out, size_t from, size_t n)
{
	char *to = buf_reserve(out, n);

	memcpy(to, out->p + from, n);
	out->n += n;
}

static inline void
begin_line(struct lines *l, const struct reading *r)
{
	if (l->count == 0)
		put_first_head(l, r);
	else
		copy(l->out, l->head, l->head_n);
}

static inline void
end_line(struct lines *l, const struct reading *r)
{
	put_known(l->out, r->value.p, r->value.n);
	if (l->count == 0)
		put_first_tail(l, r);
	else
		copy(l->out, l->tail, l->tail_n);
	l->count++;
}

static void
put_line(void *arg, const struct reading *r)
{
	struct lines *l = arg;

	begin_line(l, r);
	message_put_string(l->out, r->sensor);
	PUT(l->out, ",\"value\":");
	end_line(l, r);
}

enum { KNOWN_MAX = 1024 };

/* The lines of a payload whose shape is known; false: it is not. */
static bool
put_known_lines(struct lines *l, struct span payload)
{
	char text[KNOWN_MAX + PLAIN_PADDING];
	struct span values[SHAPE_VALUES];
	const struct message_shape *shape;
	struct reading r = {0};
	size_t i;

	if (payload.n > KNOWN_MAX)
		return false;
	memset(write_span(text, payload), 0, PLAIN_PADDING);
	shape = message_find_shape(text, text + payload.n, values);
	if (shape == NULL || shape->readings_n == 0)
		return false;
	if (shape->claim >= 0 && json_kind(values[shape->claim]) == JSON_KIND_STRING)
		r.device_id = characters(values[shape->claim], false, NULL);
	if (shape->timestamp >= 0)
		r.timestamp = values[shape->timestamp];
	for (i = 0; i < shape->readings_n; i++) {
		const struct shape_reading *known = &shape->readings[i];

		r.value = values[known->value];
		begin_line(l, &r);
		put_known(l->out, shape->names + known->at, known->n);
		end_line(l, &r);
	}
	return true;
}

static const char *
put_lines(struct lines *l, struct span payload)
{
	const char *error;

	if (put_known_lines(l, payload))
		return NULL;
	message_learn_shape(payload);
	error = message_each_reading(payload, put_line, l);
	return error == NULL && l->count == 0 ? "shape" : error;
}

const char *
message_readings(
    struct buf *out, const struct msg *m, const struct topics *topics, size_t *count)
{
	struct lines l = {.out = out, .m = m};
	size_t from = out->n;
	struct topic_vars vars;
	const char *error;

	if (m->reject != NULL)
		return m->reject;
	if (!m->plain && !plain_all((const unsigned char *)m->topic.p, m->topic.n) &&
	    !text_is_utf8(m->topic.p, m->topic.n))
		return "topic";
	message_capture(m, topics, &vars);
	l.device_id = vars.v[TOPIC_DEVICE_ID];
	error = put_lines(&l, m->payload);
	if (error == NULL && l.mismatch && topics->strict)
		error = "id";
	if (error != NULL)
		out->n = from;
	else if (count != NULL)
		*count = l.count;
	return error;
}
