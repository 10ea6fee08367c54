/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shapes that the payloads of a fleet have. */
#include "base/text.h"
#include "msg/message_int.h"

/* How many payloads without a known shape there are for each that is learnt, which costs as much as several: while
 * there is room for more shapes, and when one has to go for it. */
enum { SHAPES = 8, PATIENCE = 16, PATIENCE_WHEN_FULL = 1024 };

static _Thread_local struct {
	struct message_shape v[SHAPES];
	size_t n;
	size_t last; /* the one that fitted last */
	size_t misses;
} known;

const struct message_shape *
message_find_shape(const struct msg *m, struct span *values)
{
	const char *text = m->payload.p, *end = text + m->payload.n;
	size_t i;

	for (i = 0; i < known.n && m->padded; i++) {
		size_t at = known.last + i;

		at -= at < known.n ? 0 : known.n;
		if (json_shape_match(&known.v[at].json, text, end, values)) {
			known.last = at;
			return &known.v[at];
		}
	}
	return NULL;
}

struct lesson {
	struct message_shape *shape;
	struct span values[SHAPE_VALUES];
	size_t n;
	struct buf names;
	bool hard; /* as readings */
};

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

	l->shape->timestamp = find_value(l, r->timestamp);
	if (value < 0 || (r->timestamp.p != NULL && l->shape->timestamp < 0)) {
		l->hard = true;
		return true;
	}
	to->value = (size_t)value;
	to->at = l->names.n;
	message_put_string(&l->names, r->sensor);
	PUT(&l->names, ",\"value\":");
	to->n = l->names.n - to->at;
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
	    *payload.p != '{' || l->names.n > SHAPE_NAMES)
		shape->readings_n = 0;
	else if (l->names.n > 0)
		memcpy(shape->names, l->names.p, l->names.n);
	buf_release(&l->names);
	device_reading_release(&report);
}

void
message_learn_shape(struct span payload)
{
	const size_t at = known.n < SHAPES ? known.n : (known.last + 1) % SHAPES;
	struct message_shape *shape = &known.v[at];
	struct message_payload p;
	struct lesson l = {.shape = shape};

	if (known.misses++ % (known.n < SHAPES ? PATIENCE : PATIENCE_WHEN_FULL) != 0)
		return;
	message_read_payload(&p, payload);
	if (p.kind != MESSAGE_JSON || p.escapes || p.value.n != payload.n)
		return;
	if (!json_shape_learn(&shape->json, payload, l.values, &l.n)) {
		shape->json = (struct json_shape){0};
		return;
	}
	shape->compact = p.blanks == 0;
	shape->claim = find_value(&l, p.claim);
	if (p.claims > 1 || (p.claims == 1 && shape->claim < 0)) {
		shape->json = (struct json_shape){0};
		return;
	}
	learn_readings(&l, payload);
	known.last = at;
	known.n += at == known.n;
}
