/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shapes that the payloads of a fleet have. */
#include "base/text.h"
#include "msg/message_int.h"

/* How many payloads without a known shape there are for each that is learnt, which costs as much as several: while
 * there is room for more shapes, and when one has to go for it. */
enum { SHAPES = 16, PATIENCE = 16, PATIENCE_WHEN_FULL = 1024 };

static _Thread_local struct {
	struct json_shapes shapes;
	struct message_shape v[SHAPES]; /* by their ids */
	size_t n;
	size_t next; /* to go for another one when there are SHAPES */
	size_t misses;
} known;

const struct message_shape *
message_find_shape(const struct msg *m, struct span *values)
{
	const char *text = m->payload.p;
	const int id = m->padded
	    ? json_shapes_match(&known.shapes, text, text + m->payload.n, values)
	    : -1;

	return id >= 0 ? &known.v[id] : NULL;
}

struct lesson {
	struct message_shape *shape;
	struct span values[SHAPE_VALUES];
	size_t n;
	struct buf text;
	bool hard; /* as readings */
};

/* The text from `from` on. */
static struct shape_text
text_since(const struct lesson *l, size_t from)
{
	return (struct shape_text){from, l->text.n - from};
}

/* Which of the values a member is, or -1. */
static int
find_value(const struct lesson *l, struct span member)
{
	size_t i;

	for (i = 0; i < l->n && l->values[i].p != member.p; i++)
		;
	return i < l->n ? (int)i : -1;
}

static bool
learn_reading(void *arg, const struct reading *r)
{
	struct lesson *l = arg;
	struct shape_reading *to = &l->shape->readings[l->shape->readings_n];
	int value = find_value(l, r->value);
	size_t from;

	l->shape->timestamp = find_value(l, r->timestamp);
	if (value < 0 || (r->timestamp.p != NULL && l->shape->timestamp < 0)) {
		l->hard = true;
		return true;
	}
	to->value = (size_t)value;
	from = l->text.n;
	message_put_string(&l->text, r->sensor);
	PUT(&l->text, ",\"value\":");
	to->before = text_since(l, from);
	l->shape->readings_n++;
	return true;
}

/* Those of an object, all of whose values are readings by the names of their members. */
static void
learn_readings(struct lesson *l, struct span payload)
{
	struct message_shape *shape = l->shape;
	struct reading_report report = {0};
	const char *error;

	shape->readings_n = 0;
	error = device_reading_each(
	    &(struct reading_source){.payload = payload}, learn_reading, l, &report);
	if (error != NULL || report.error != NULL || report.by_value || l->hard ||
	    *payload.p != '{' || l->text.n > SHAPE_TEXT)
		shape->readings_n = 0;
	device_reading_release(&report);
}

/* What stands between values fits always: the looks have less. */
static void
learn_between(struct lesson *l, struct span payload)
{
	const char *p = payload.p, *end = p + payload.n;
	size_t i, from;

	for (i = 0; i <= l->n; i++) {
		const char *stop = i < l->n ? l->values[i].p : end;

		from = l->text.n;
		json_put_compact(&l->text, (struct span){p, (size_t)(stop - p)});
		l->shape->between[i] = text_since(l, from);
		p = i < l->n ? stop + l->values[i].n : end;
	}
	l->shape->values_n = l->n;
}

static void
learn_text(struct lesson *l, struct span payload)
{
	size_t n;

	learn_between(l, payload);
	n = l->text.n;
	learn_readings(l, payload);
	if (l->shape->readings_n != 0)
		n = l->text.n;
	memcpy(l->shape->text, l->text.p, n);
	buf_release(&l->text);
}

void
message_learn_shape(struct span payload)
{
	struct message_payload p;
	struct message_shape *shape;
	struct lesson l = {0};
	size_t at;

	if (known.misses++ % (known.n < SHAPES ? PATIENCE : PATIENCE_WHEN_FULL) != 0)
		return;
	message_read_payload(&p, payload);
	if (p.kind != MESSAGE_JSON || p.escapes || p.value.n != payload.n)
		return;
	if (known.shapes.n > SHAPES_LOOKS - SHAPE_LOOKS) {
		known.shapes.first = NULL;
		known.shapes.n = known.n = 0;
	}
	at = known.n < SHAPES ? known.n : known.next;
	if (!json_shapes_learn(&known.shapes, (int)at, payload, l.values, &l.n))
		return;
	l.shape = shape = &known.v[at];
	shape->compact = p.blanks == 0;
	shape->claim = find_value(&l, p.claim);
	if (p.claims > 1 || (p.claims == 1 && shape->claim < 0)) {
		json_shapes_forget(&known.shapes, (int)at);
		return;
	}
	learn_text(&l, payload);
	known.n += at == known.n;
	known.next = (at + 1) % SHAPES;
}
