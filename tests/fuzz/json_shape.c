/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of two texts, one a line: what has the shape of the first is right, and has the values that a walk finds. */
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
compare(struct span text, const struct span *values, size_t n)
{
	struct json_scan found = {.room = 0};
	struct json_shape again;
	struct span walked[SHAPE_VALUES];
	size_t walked_n, i;

	require(json_scan(text, &found) && !found.escapes);
	require(json_shape_learn(&again, text, walked, &walked_n) && walked_n == n);
	for (i = 0; i < n; i++)
		require(walked[i].p == values[i].p && walked[i].n == values[i].n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *all = (const char *)data, *cut = memchr(all, '\n', size);
	struct json_scan found = {.room = 0};
	struct span sample = {all, cut != NULL ? (size_t)(cut - all) : 0};
	struct span values[SHAPE_VALUES];
	struct json_shape shape;
	static const char behind[] = {'\0', '0', '"', '}', 'x'};
	struct buf text = {0};
	bool fit, first = false;
	size_t n, i;

	if (!json_scan(sample, &found) || found.escapes ||
	    !json_shape_learn(&shape, found.value, values, &n))
		return 0;
	buf_put(&text, cut + 1, size - sample.n - 1);
	for (i = 0; i < sizeof(behind); i++) {
		memset(buf_reserve(&text, ASCII_PLAIN_PADDING), behind[i],
		    ASCII_PLAIN_PADDING);
		fit = json_shape_match(&shape, text.p, text.p + text.n, values);
		require(i == 0 || fit == first);
		first = fit;
		if (fit)
			compare(buf_as_span(&text), values, n);
	}
	buf_release(&text);
	return 0;
}
