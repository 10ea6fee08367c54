/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/jsonshape.h"

#include "base/json.h"
#include "base/plain.h"

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

static inline bool
is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* Behind what is neither string nor begins with a digit, or NULL. */
static inline place
match_word(place p)
{
	if (*p == '-')
		return is_digit(p[1]) ? number_stop(p + 1) : NULL;
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}

/* A string or number that is wrong, or wants a closer look, ends at a byte that no look begins with. */
static inline place
match_value(place p)
{
	if (is_digit(*p))
		return number_stop(p);
	if (*p != '"')
		return match_word(p);
	p = plain_stop(p + 1);
	return p + (*p == '"');
}

static inline bool
match_look(const struct json_look *look, place p)
{
#ifdef __SSE2__
	const __m128i want = _mm_load_si128((const __m128i *)look->bytes);
	const __m128i have = _mm_loadu_si128((const __m128i *)p);

	return (~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(have, want)) & look->mask) ==
	    0;
#else
	return memcmp(p, look->bytes, look->n) == 0;
#endif
}

/* No look goes beyond the NULs: it begins at the end at the latest, as no value and no byte of a look is
 * a NUL. */
bool
json_shape_match(const struct json_shape *shape, const char *text, const char *end,
    struct span *values)
{
	const struct json_look *look = shape->looks;
	place p = (place)text, from;

	for (; match_look(look, p); look++) {
		p += look->n;
		if (look->then == SHAPE_VALUE) {
			from = p;
			p = match_value(p);
			if (p == NULL)
				return false;
			*values++ = (struct span){(const char *)from, (size_t)(p - from)};
		} else if (look->then == SHAPE_END) {
			return (const char *)p == end;
		}
	}
	return false;
}
