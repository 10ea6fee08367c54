/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_BENCH_PAYLOADS_H
#define TESTS_BENCH_PAYLOADS_H

#include <stddef.h>

#include "base/buf.h"

/* What devices publish, for the benches: kinds of payloads, each of texts that come in turn. In id and text
 * stand @@@@ for the device and ########## for a timestamp that counts the messages. */
struct payload_text {
	const char *id, *text;
};

struct payload_kind {
	const char *name;
	const struct payload_text *texts;
	size_t n;
};

/* NULL: there is none. */
const struct payload_kind *payloads_find(const char *name);

/* The first run of a mark; n is 0 when there is none. */
struct payload_mark {
	size_t at, n;
};
struct payload_mark payloads_mark(struct span s, char mark);
/* Writes the last digits of `value` there. */
void payloads_fill(char *p, struct payload_mark m, size_t value);

#endif
