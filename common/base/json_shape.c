/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_shape.h"

#include "base/ascii.h"
#include "base/json.h"

/* Where the next look of a shape goes. */
struct lesson {
	struct json_shapes *shapes;
	struct json_look **at;
	size_t room;
};

static bool
is_same(const struct json_look *look, const char *p, size_t n, enum json_then then)
{
	return look->n == n && look->then == then && memcmp(look->bytes, p, n) == 0;
}

static struct json_look *
make_look(struct json_shapes *shapes, const char *p, size_t n, enum json_then then)
{
	struct json_look *look = &shapes->looks[shapes->n++];

	*look = (struct json_look){
	    .n = (unsigned char)n, .then = (unsigned char)then, .id = -1};
	look->mask = (1U << n) - 1;
	memcpy(look->bytes, p, n);
	return look;
}

/* Returns it, or NULL when there are too many. */
static struct json_look *
add_look(struct lesson *l, const char *p, size_t n, enum json_then then)
{
	struct json_look *look;

	if (l->room-- == 0 || l->shapes->n == SHAPES_LOOKS)
		return NULL;
	while (*l->at != NULL && !is_same(*l->at, p, n, then))
		l->at = &(*l->at)->other;
	if (*l->at == NULL)
		*l->at = make_look(l->shapes, p, n, then);
	look = *l->at;
	l->at = &look->next;
	return look;
}

/* The bytes from p on up to `end`; the last look of them, or NULL. Whether a value comes behind 16 bytes is the next
 * look's: where one shape has a look, no other begins in the same way and goes on differently. */
static struct json_look *
add_looks(struct lesson *l, const char *p, const char *end, enum json_then then)
{
	const size_t most = then == SHAPE_VALUE ? 15 : 16;

	for (; (size_t)(end - p) > most; p += 16) {
		if (add_look(l, p, 16, SHAPE_LOOK) == NULL)
			return NULL;
	}
	return add_look(l, p, (size_t)(end - p), then);
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

void
json_shapes_forget(struct json_shapes *shapes, int id)
{
	size_t i;

	for (i = 0; i < shapes->n; i++) {
		if (shapes->looks[i].id == id)
			shapes->looks[i].id = -1;
	}
}

bool
json_shapes_learn(
    struct json_shapes *shapes, int id, struct span value, struct span *values, size_t *n)
{
	struct lesson l = {shapes, &shapes->first, SHAPE_LOOKS};
	enum json_kind kind = json_kind(value);
	struct json_look *last;
	const char *p = value.p;
	bool fits;
	size_t i;

	*n = 0;
	fits = (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) &&
	    find_values(value, values, n, 8);
	for (i = 0; i < *n && fits; i++) {
		fits = add_looks(&l, p, values[i].p, SHAPE_VALUE) != NULL;
		p = values[i].p + values[i].n;
	}
	last = fits ? add_looks(&l, p, value.p + value.n, SHAPE_END) : NULL;
	if (last == NULL || last->id >= 0)
		return false;
	json_shapes_forget(shapes, id);
	last->id = (short)id;
	return true;
}
