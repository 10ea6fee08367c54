/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What json_check accepts can be walked, unescaped and compacted; compacting twice is the same. */
#include <stdlib.h>

#include "base/json.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static void
walk(struct span value, int depth)
{
	struct json_iter it = {.value = value};
	enum json_kind kind = json_kind(value);
	struct buf b = {0};

	require(kind != JSON_KIND_NONE);
	if (kind == JSON_KIND_STRING) {
		struct span again;

		json_unescape(&b, value);
		value = buf_as_span(&b);
		{
			struct buf quoted = {0};

			json_put_string(&quoted, value);
			require(json_check(buf_as_span(&quoted), &again, NULL));
			buf_release(&quoted);
		}
	} else if (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY) {
		while (depth < 64 && json_next(&it)) {
			if (kind == JSON_KIND_OBJECT)
				walk(it.key, depth + 1);
			walk(it.item, depth + 1);
		}
	}
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, value;
	struct buf compact = {0}, twice = {0};
	size_t blanks;

	if (!json_check_compact(text, &value, &blanks))
		return 0;
	walk(value, 0);
	json_put_compact(&compact, value);
	require(compact.n == value.n - blanks);
	require(
	    json_check_compact(buf_as_span(&compact), &value, &blanks) && blanks == 0);
	json_put_compact(&twice, value);
	require(span_eq(buf_as_span(&compact), buf_as_span(&twice)));
	json_put_visible(&twice, buf_as_span(&compact));
	buf_release(&compact);
	buf_release(&twice);
	return 0;
}
