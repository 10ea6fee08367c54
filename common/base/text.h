/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Texts for people: translated where they are shown, marked where they are stored, and P_ where a number decides
 * between one and many, which languages do each in their way. Each is a whole sentence, or a whole part of a list or
 * table: what is made of pieces cannot be translated. Field names, keys and what programs read are never translated. */
#define _(s) gettext(s)
#define N_(s) (s)
#define P_(one, many, n) ngettext(one, many, (unsigned long)(n))

/* Whether texts are translated from here on, in all threads: no, where they go into what programs read, who find the
 * same words everywhere. */
void text_translate(bool on);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The entry of `names` (NULL-terminated) nearest to `word`, or NULL if none is near: for
 * "did you mean". Damerau-Levenshtein distance at most a third of the word, at least 1. */
const char *text_nearest(const char *word, const char *const *names);

/* Whether both are the same text, or both absent (NULL). */
bool text_equal(const char *a, const char *b);

/* A whole decimal number within min..max. On error `what` is the subject of the message, which
 * names the limits. */
int text_int(const char *s, int64_t min, int64_t max, const char *what, int64_t *out,
    struct err *err);

/* What says yes or no: true, yes, on, t, y, 1, or false, no, off, f, n, 0; also True, TRUE, False, FALSE. False,
 * and *out as it was, if it is none of them. */
bool text_bool(const char *s, bool *out);

/* "30s", "10m", "2h", "1d", "250ms", or bare seconds (fractions allowed), to milliseconds. */
int text_duration(const char *s, const char *what, int64_t *ms, struct err *err);

/* Bytes: a whole number, or one with K, M or G (1024 each), within min..max. */
int text_size(const char *s, int64_t min, int64_t max, const char *what, int64_t *bytes,
    struct err *err);

/* Percent-decoding (RFC 3986, 2.1) in place: the text becomes shorter, or stays as it is. False for a
 * percent sign without two hexadecimal digits behind it, and for %00, since no text holds a NUL; `s` is then
 * half decoded. */
bool text_percent_decode(char *s);

/* A finite double in C notation, whatever the locale; the whole of `s`. False if it is none. */
bool text_double(const char *s, double *out);

/* The shortest decimal form that reads back as the same double, as JSON writes it (a whole
 * number without ".0"). `out` holds at least 32 bytes. Returns its length. */
size_t text_from_double(char *out, double v);

#endif
