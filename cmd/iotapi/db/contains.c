/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/contains.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The argument in small letters (free). */
static char *
fold(sqlite3_value *arg, size_t *n)
{
	const char *text = (const char *)sqlite3_value_text(arg);
	char *folded;
	size_t i;

	*n = (size_t)sqlite3_value_bytes(arg);
	folded = xmalloc(*n + 1);
	for (i = 0; i < *n; i++)
		folded[i] = text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i];
	return folded;
}

static void
contains(sqlite3_context *c, int n, sqlite3_value **args)
{
	size_t text_n, part_n;
	char *text, *part;

	(void)n;
	if (sqlite3_value_type(args[0]) == SQLITE_NULL)
		return;
	text = fold(args[0], &text_n);
	part = fold(args[1], &part_n);
	sqlite3_result_int(c, memmem(text, text_n, part, part_n) != NULL);
	free(text);
	free(part);
}

int
contains_add(sqlite3 *handle)
{
	return sqlite3_create_function(handle, "contains", 2,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, contains, NULL, NULL);
}
