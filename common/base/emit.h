/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_EMIT_H
#define BASE_EMIT_H

#include "base/span.h"

/* Writers for who has reserved the room: they write at `to` and return where they ended. */

enum { DECIMAL_MAX = 20, TIME_LEN = 27 };
/* Decimal digits. */
char *emit_u64(char *to, uint64_t v);
/* RFC 3339 in UTC with six decimals and Z, from microseconds since 1970: TIME_LEN bytes. */
char *emit_time(char *to, int64_t us);
/* Without a call of memcpy for up to 32 bytes, as most names and ids are: two copies of a fixed size, which may
 * overlap. */
static inline char *
emit_span(char *to, struct span s)
{
	if (s.n > 32) {
		memcpy(to, s.p, s.n);
	} else if (s.n >= 16) {
		memcpy(to, s.p, 16);
		memcpy(to + s.n - 16, s.p + s.n - 16, 16);
	} else if (s.n >= 8) {
		memcpy(to, s.p, 8);
		memcpy(to + s.n - 8, s.p + s.n - 8, 8);
	} else if (s.n >= 4) {
		memcpy(to, s.p, 4);
		memcpy(to + s.n - 4, s.p + s.n - 4, 4);
	} else if (s.n > 0) {
		memcpy(to, s.p, s.n);
	}
	return to + s.n;
}
/* A literal, whose size the compiler knows: it makes no call of it either. */
#define EMIT(to, literal)                                                               \
	((char *)memcpy((to), (literal), sizeof(literal) - 1) + sizeof(literal) - 1)

#endif
