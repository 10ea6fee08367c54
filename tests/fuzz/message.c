/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input: a topic, a newline, a payload. Whatever the bytes, each line is one line of valid JSON. */
#include <stdlib.h>

#include "base/json.h"
#include "conf/message.h"

static void
require(bool law)
{
	if (!law)
		abort();
}

static size_t
check_lines(const struct buf *b)
{
	size_t from = 0, lines = 0;

	while (from < b->n) {
		const char *end = memchr(b->p + from, '\n', b->n - from);

		require(end != NULL);
		require(json_check(
		    (struct span){b->p + from, (size_t)(end - b->p) - from}, NULL, NULL));
		from = (size_t)(end - b->p) + 1;
		lines++;
	}
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topics topics;
	const uint8_t *cut = memchr(data, '\n', size);
	size_t n = cut != NULL ? (size_t)(cut - data) : 0;
	struct msg m = {.topic = {(const char *)data, n}, .qos = 1, .mid = 1};
	struct buf b = {0};
	struct err err = {0};
	const char *word;
	size_t count = 0;

	if (topics.data == NULL)
		require(topics_compile(&topics, &(struct topicopts){0}, &err) == 0);
	m.payload = cut != NULL ? (struct span){(const char *)cut + 1, size - n - 1}
				: (struct span){(const char *)data, size};
	message_line(&b, &m, &topics);
	require(check_lines(&b) == 1);
	buf_clear(&b);
	word = message_readings(&b, &m, &topics, &count);
	require(check_lines(&b) == count && (word == NULL) == (count > 0));
	buf_clear(&b);
	message_reject(&b, &m, word != NULL ? word : "shape");
	require(check_lines(&b) == 1);
	buf_release(&b);
	return 0;
}
