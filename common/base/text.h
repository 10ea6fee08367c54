/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Strings for people: translated where shown, marked where stored. Field names, keys and
 * machine output are never translated. */
#define _(s) gettext(s)
#define N_(s) (s)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Valid UTF-8 as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(const char *p, size_t n);

/* Length of the well-formed UTF-8 sequence that begins at p, its code point in *cp; 0 if there is
 * none. n is at least 1. */
size_t utf8_read(const unsigned char *p, size_t n, uint32_t *cp);

/* Whether a terminal shows this code point and does nothing else: no C0, DEL, C1, and none of the
 * marks that reorder or break lines. */
bool utf8_is_harmless(uint32_t cp);

/* Copies `s` so that a terminal and a log survive it: C0, DEL, C1, bidirectional controls and
 * bytes that are no UTF-8 become \xNN; the rest stays. Cuts at `room`; terminates when room
 * allows. Returns the bytes written without the NUL. */
size_t utf8_visible(char *out, size_t room, const char *s);
size_t strlen(const char *s);
/* Appends lines: as utf8_visible, but newlines stay, and a NUL is \x00. */
void text_put_visible(struct buf *out, struct span lines);

/* The entry of `names` (NULL-terminated) nearest to `word`, or NULL if none is near: for
 * "did you mean". Damerau-Levenshtein distance at most a third of the word, at least 1. */
const char *text_nearest(const char *word, const char *const *names);

/* A whole decimal number within min..max. On error `what` is the subject of the message, which
 * names the limits. */
int text_int(const char *s, long min, long max, const char *what, long *out, struct err *err);

/* "30s", "10m", "2h", "1d", "250ms", or bare seconds (fractions allowed), to milliseconds. */
int text_duration(const char *s, const char *what, int64_t *ms, struct err *err);

/* Bytes: a whole number, or one with K, M or G (1024 each), within min..max. */
int text_size(const char *s, int64_t min, int64_t max, const char *what, int64_t *bytes,
    struct err *err);

/* A finite double in C notation, whatever the locale; the whole of `s`. False if it is none. */
bool text_double(const char *s, double *out);

/* The shortest decimal form that reads back as the same double, as JSON writes it (a whole
 * number without ".0"). `out` holds at least 32 bytes. Returns its length. */
size_t text_from_double(char *out, double v);

/* The wall clock in microseconds since 1970. */
int64_t clock_wall_us(void);

#endif
