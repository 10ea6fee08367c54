/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_FIELD_ERRS_H
#define MODEL_FIELD_ERRS_H

#include <stddef.h>

#include "base/buf.h"

/* All wrong fields of one request, in order. The zero value is empty. */
struct field_errs {
	struct field_err {
		char *field; /* "non_field_errors" for those of the whole object */
		char *text; /* the platform's words */
		char *hint; /* what would be right, for people; NULL: nothing */
	} *v;
	size_t n;
};
void field_errs_add(struct field_errs *errs, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Of the last one; takes `hint`. */
void field_errs_hint(struct field_errs *errs, char *hint);
/* Adds "FIELD: TEXT" and the hint, with a semicolon between this and what is there. */
void field_errs_put(const struct field_err *e, struct buf *out);
void field_errs_release(struct field_errs *errs);

#endif
