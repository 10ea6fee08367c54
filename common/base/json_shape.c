/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_shape.h"

#include "base/ascii.h"
#include "base/json.h"

typedef const unsigned char *place;

static bool
add_look(struct json_shape *shape, const char *p, size_t n, enum json_then then)
{
	struct json_look *look = &shape->looks[shape->n];

	if (shape->n == SHAPE_LOOKS)
		return false;
	*look = (struct json_look){.n = n, .then = then};
	look->mask = (1U << n) - 1;
	memcpy(look->bytes, p, n);
	shape->n++;
	return true;
}

/* The bytes from p on up to `end`. */
static bool
add_looks(struct json_shape *shape, const char *p, const char *end, enum json_then then)
{
	for (; end - p > 16; p += 16) {
		if (!add_look(shape, p, 16, SHAPE_LOOK))
			return false;
	}
	return add_look(shape, p, (size_t)(end - p), then);
}

/* The scalars in a container, in order. False when there are too many or it is too deep. */
static bool
find_values(struct span container, struct span *values, size_t *n, int depth)
{
	struct json_iter it = {.value = container};

	while (json_next(&it)) {
		enum json_kind kind = json_kind(it.item);

		if (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) {
			if (depth == 0 || !find_values(it.item, values, n, depth - 1))
				return false;
		} else {
			if (*n == SHAPE_VALUES)
				return false;
			values[(*n)++] = it.item;
		}
	}
	return true;
}

bool
json_shape_learn(
    struct json_shape *shape, struct span value, struct span *values, size_t *n)
{
	enum json_kind kind = json_kind(value);
	const char *p = value.p;
	bool fits;
	size_t i;

	shape->n = *n = 0;
	fits = (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) &&
	    find_values(value, values, n, 8);
	for (i = 0; i < *n && fits; i++) {
		fits = add_looks(shape, p, values[i].p, SHAPE_VALUE);
		p = values[i].p + values[i].n;
	}
	return fits && add_looks(shape, p, value.p + value.n, SHAPE_END);
}
