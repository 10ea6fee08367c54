/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What json_check accepts can be walked, unescaped and compacted; compacting twice is the same. */
#include <stdlib.h>

#include "base/json.h"
#include "base/visible.h"

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

/* What the scan kept on its way is what a walk finds. */
static void
compare_members(const struct json_scan *found)
{
	struct json_iter it = {.value = found->value};
	size_t n = 0;

	while (json_kind(it.value) == JSON_KIND_OBJECT && json_next(&it)) {
		if (n < found->room) {
			require(found->pairs[n].name.p == it.key.p &&
			    found->pairs[n].name.n == it.key.n);
			require(found->pairs[n].value.p == it.item.p &&
			    found->pairs[n].value.n == it.item.n);
		}
		n++;
	}
	require(n == found->members);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct json_pair pairs[4];
	struct json_scan found = {.pairs = pairs, .room = 4};
	struct buf compact = {0}, twice = {0};

	if (!json_scan(text, &found)) {
		require(found.at <= size);
		return 0;
	}
	walk(found.value, 0);
	compare_members(&found);
	json_put_compact(&compact, found.value);
	require(compact.n == found.value.n - found.blanks);
	require(json_scan(buf_as_span(&compact), &found) && found.blanks == 0);
	json_put_compact(&twice, found.value);
	require(span_eq(buf_as_span(&compact), buf_as_span(&twice)));
	visible_put_json(&twice, buf_as_span(&compact));
	buf_release(&compact);
	buf_release(&twice);
	return 0;
}
