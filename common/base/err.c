/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Stands behind a text that had no room. */
#define CUT " [...]"

/* Writes the text, but no more than `room` bytes with its NUL; more is cut behind a whole character. Returns its
 * length. */
static size_t __attribute__((format(printf, 3, 0)))
put(char *to, size_t room, const char *fmt, va_list ap)
{
	int whole = vsnprintf(to, room, fmt, ap);
	size_t n = whole > 0 ? (size_t)whole : 0;

	if (n < room)
		return n;
	n = utf8_cut(to, room - sizeof(CUT));
	memcpy(to + n, CUT, sizeof(CUT));
	return n + sizeof(CUT) - 1;
}

static size_t __attribute__((format(printf, 3, 4)))
put_part(char *to, size_t room, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = put(to, room, fmt, ap);
	va_end(ap);
	return n;
}

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	err->code = code;
	va_start(ap, fmt);
	put(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* The reason stands last, and for a context that is too long at least half of the room is kept for it. */
static void __attribute__((format(printf, 3, 0)))
put_both(struct err *err, const char *reason, const char *fmt, va_list ap)
{
	const size_t room = sizeof(err->text), least = room / 2;
	size_t n = strlen(reason) + 2;

	n = put(err->text, room - (n < least ? n : least), fmt, ap);
	put_part(err->text + n, room - n, ": %s", reason);
}

int
err_sys(struct err *err, enum err_code code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	err->code = code;
	va_start(ap, fmt);
	put_both(err, strerror(saved), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_in(struct err *err, const char *fmt, ...)
{
	char reason[sizeof(err->text)];
	va_list ap;

	if (err == NULL)
		return -1;
	memcpy(reason, err->text, sizeof(reason));
	va_start(ap, fmt);
	put_both(err, reason, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_add(struct err *err, const char *fmt, ...)
{
	char before[sizeof(err->text)], more[sizeof(err->text) / 2];
	va_list ap;
	size_t n;

	if (err == NULL)
		return -1;
	memcpy(before, err->text, sizeof(before));
	va_start(ap, fmt);
	n = put(more, sizeof(more), fmt, ap);
	va_end(ap);
	n = put_part(err->text, sizeof(err->text) - n, "%s", before);
	put_part(err->text + n, sizeof(err->text) - n, "%s", more);
	return -1;
}
