/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shapes that the payloads of a fleet have. */
#include "base/text.h"
#include "conf/messageparts.h"

enum {
	SHAPES = 4,
	PATIENCE =
	    16, /* payloads without a known shape for each that is learnt: it costs as
			  much as a few */
};

static _Thread_local struct {
	struct message_shape v[SHAPES];
	size_t n;
	size_t last; /* the one that fitted last, to be given up last */
	size_t misses;
} known;

const struct message_shape *
message_find_shape(const char *text, const char *end, struct span *values)
{
	const size_t last = known.last;
	size_t i;

	if (last < known.n && json_shape_match(&known.v[last].json, text, end, values))
		return &known.v[last];
	for (i = 0; i < known.n; i++) {
		if (i != last && json_shape_match(&known.v[i].json, text, end, values)) {
			known.last = i;
			return &known.v[i];
		}
	}
	return NULL;
}

/* Which of the values a member of the payload is, or -1. */
static int
find_value(const struct span *values, size_t n, struct span member)
{
	size_t i;

	for (i = 0; i < n && values[i].p != member.p; i++)
		;
	return i < n ? (int)i : -1;
}

void
message_learn_shape(const struct message_payload *p)
{
	struct span values[SHAPE_VALUES];
	struct message_shape shape;
	size_t n;

	if (p->kind != MESSAGE_JSON || p->blanks != 0 || p->escapes ||
	    known.misses++ % PATIENCE != 0 ||
	    !json_shape_learn(&shape.json, p->value, values, &n))
		return;
	shape.claim = find_value(values, n, p->claim);
	known.last = known.n < SHAPES ? known.n++ : (known.last + 1) % SHAPES;
	known.v[known.last] = shape;
}
