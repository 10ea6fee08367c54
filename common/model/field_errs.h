/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_FIELD_ERRS_H
#define MODEL_FIELD_ERRS_H

#include <stddef.h>

/* All wrong fields of one request, in order. The zero value is empty. */
struct field_errs {
	struct field_err {
		char *field; /* "non_field_errors" for those of the whole object */
		char *text;
	} *v;
	size_t n;
};
void field_errs_add(struct field_errs *errs, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void field_errs_release(struct field_errs *errs);

#endif
