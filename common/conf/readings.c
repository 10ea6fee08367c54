/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Payloads as readings: both shapes of the platform, walked in payload order, bytes kept. */
#include "base/json.h"
#include "base/text.h"
#include "conf/messageparts.h"

#define PUT(out, literal) buf_put((out), (literal), sizeof(literal) - 1)

/* Values nested deeper than this are no readings; the walk's stack stays small. */
enum { DEPTH_MAX = 16 };

struct walk {
	struct buf name; /* dotted path so far */
	struct reading reading;
	void (*fn)(void *arg, const struct reading *r);
	void *arg;
	bool too_deep;
};

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

static void
walk_value(struct walk *w, struct span value, int depth)
{
	struct json_iter it = {.value = value};
	enum json_kind type = json_kind(value);
	size_t base = w->name.n;
	size_t index;

	if (type != JSON_KIND_OBJECT && type != JSON_KIND_ARRAY) {
		w->reading.sensor = buf_as_span(&w->name);
		w->reading.value = value;
		w->fn(w->arg, &w->reading);
		return;
	}
	if (depth == DEPTH_MAX) {
		w->too_deep = true;
		return;
	}
	for (index = 0; json_next(&it); index++) {
		push_name(w, &it, index);
		walk_value(w, it.item, depth + 1);
		w->name.n = base;
	}
}

/* The flat shape of the ESP32: every member but the envelope's own. */
static void
walk_flat(struct walk *w, struct span object)
{
	struct json_iter it = {.value = object};

	while (json_next(&it)) {
		if (span_is(it.key, "\"device_id\"") || span_is(it.key, "\"timestamp\""))
			continue;
		push_name(w, &it, 0);
		walk_value(w, it.item, 1);
		w->name.n = 0;
	}
}

static const char *
walk_payload(struct walk *w, struct span payload, struct buf *claim)
{
	struct span value, sensors;

	if (!json_check(payload, &value, NULL))
		return text_is_utf8(payload.p, payload.n) ? "json" : "utf8";
	if (json_kind(value) != JSON_KIND_OBJECT)
		return "shape";
	json_member(value, "timestamp", &w->reading.timestamp);
	if (json_member_string(value, "device_id", claim))
		w->reading.device_id = buf_as_span(claim);
	if (!json_member(value, "sensors", &sensors))
		walk_flat(w, value);
	else if (json_kind(sensors) == JSON_KIND_OBJECT)
		walk_value(w, sensors, 0);
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

struct lines {
	struct buf *out;
	const struct msg *m;
	struct span device_id;
	size_t count;
	bool mismatch;
};

static void
put_line(void *arg, const struct reading *r)
{
	struct lines *l = arg;
	struct span id = l->device_id.p != NULL ? l->device_id : r->device_id;

	PUT(l->out, "{\"received_at\":\"");
	buf_time(l->out, l->m->received_us);
	buf_putc(l->out, '"');
	if (id.p != NULL) {
		PUT(l->out, ",\"device_id\":");
		json_put_string(l->out, id);
	}
	PUT(l->out, ",\"sensor\":");
	json_put_string(l->out, r->sensor);
	PUT(l->out, ",\"value\":");
	json_put_compact(l->out, r->value);
	if (r->timestamp.p != NULL) {
		PUT(l->out, ",\"timestamp\":");
		json_put_compact(l->out, r->timestamp);
	}
	PUT(l->out, ",\"topic\":");
	json_put_string(l->out, l->m->topic);
	message_put_delivery(l->out, l->m);
	l->mismatch = message_reading_mismatch(r, l->device_id);
	if (l->mismatch)
		PUT(l->out, ",\"id_mismatch\":true");
	PUT(l->out, "}\n");
	l->count++;
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
	if (!text_is_utf8(m->topic.p, m->topic.n))
		return "topic";
	message_capture(m, topics, &vars);
	l.device_id = vars.v[TOPIC_DEVICE_ID];
	error = message_each_reading(m->payload, put_line, &l);
	if (error == NULL && l.count == 0)
		error = "shape";
	else if (error == NULL && l.mismatch && topics->strict)
		error = "id";
	if (error != NULL)
		out->n = from;
	else if (count != NULL)
		*count = l.count;
	return error;
}
