/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of three texts, one a line: what has the shape of the first or the second is right, and has the values that a walk
 * finds. */
#include <stdlib.h>

#include "base/json.h"
#include "base/json_shape.h"
#include "base/ascii.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static void
compare(struct span text, const struct span *values)
{
	struct json_scan found = {.room = 0};
	static struct json_shapes again;
	struct span walked[SHAPE_VALUES];
	size_t n, i;

	require(json_scan(text, &found) && !found.escapes);
	again.first = NULL;
	again.n = 0;
	require(json_shapes_learn(&again, 0, text, walked, &n));
	for (i = 0; i < n; i++)
		require(walked[i].p == values[i].p && walked[i].n == values[i].n);
	require(n == SHAPE_VALUES || values[n].p == NULL);
}

/* The line at p; what is behind it. */
static const char *
learn_line(struct json_shapes *shapes, int id, const char *p, const char *end)
{
	const char *cut = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	struct json_scan found = {.room = 0};
	struct span values[SHAPE_VALUES];
	size_t n;

	if (cut == NULL)
		return p;
	if (json_scan((struct span){p, (size_t)(cut - p)}, &found) && !found.escapes)
		json_shapes_learn(shapes, id, found.value, values, &n);
	return cut + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_shapes shapes;
	static const char behind[] = {'\0', '0', '"', '}', 'x'};
	const char *all = (const char *)data, *end = all + size;
	struct buf text = {0};
	int fit, first = -1;
	size_t i;

	shapes.first = NULL;
	shapes.n = 0;
	all = learn_line(&shapes, 0, all, end);
	all = learn_line(&shapes, 1, all, end);
	buf_put(&text, all, (size_t)(end - all));
	for (i = 0; i < sizeof(behind); i++) {
		struct span values[SHAPE_VALUES] = {{0}};

		memset(buf_reserve(&text, ASCII_PLAIN_PADDING), behind[i],
		    ASCII_PLAIN_PADDING);
		fit = json_shapes_match(&shapes, text.p, text.p + text.n, values);
		require(i == 0 || fit == first);
		first = fit;
		if (fit >= 0)
			compare(buf_as_span(&text), values);
	}
	buf_release(&text);
	return 0;
}
