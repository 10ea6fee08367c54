/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input: a template, a newline, a value. An expansion has the template's levels, is matched by the
 * template, which captures the value again, and by its filter. */
#include <stdlib.h>

#include "base/mem.h"
#include "model/topic.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static size_t
levels(struct span s)
{
	size_t n = 1, i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memchr(data, '\n', size);
	size_t n = cut != NULL ? (size_t)(cut - data) : size;
	char *text = xstrndup((const char *)data, n);
	struct span value = {(const char *)data + n, size - n};
	struct topic_vars vars = {.v = {value, value, value}}, got;
	struct topic *t = NULL;
	char *topic = NULL, *filter;
	struct err err = {0};

	if (topic_compile(&t, text, &err) == 0) {
		filter = topic_filter(t);
		require(topic_check_filter(filter, &err) == 0);
		topic_match(t, value, &got);
		topic_filter_matches(filter, value);
		if (topic_expand(t, &vars, &topic, &err) == 0) {
			require(levels(span_of(topic)) == levels(span_of(text)));
			require(topic_check_name(span_of(topic), &err) == 0);
			require(topic_filter_matches(filter, span_of(topic)));
		}
		free(filter);
	}
	free(topic);
	topic_free(t);
	free(text);
	return 0;
}
