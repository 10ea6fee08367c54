/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cmocka file starts with. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's own assert_in_range is deprecated in 2.0, and what is there in its place is not in 1.1. */
#define assert_within(got, least, most)                                                  \
	unit_within((uintmax_t)(got), (uintmax_t)(least), (uintmax_t)(most), __FILE__, __LINE__)
static inline void
unit_within(uintmax_t got, uintmax_t least, uintmax_t most, const char *file, int line)
{
	if (got >= least && got <= most)
		return;
	print_error("wanted %ju to %ju, got %ju\n", least, most, got);
	_fail(file, line);
}

#endif
