/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/field_errs.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void
field_errs_add(struct field_errs *errs, const char *field, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	errs->v = xreallocarray(errs->v, errs->n + 1, sizeof(*errs->v));
	errs->v[errs->n++] =
	    (struct field_err){.field = xstrdup(field), .text = buf_steal(&text)};
}

void
field_errs_hint(struct field_errs *errs, char *hint)
{
	errs->v[errs->n - 1].hint = hint;
}

void
field_errs_put(const struct field_err *e, struct buf *out)
{
	buf_printf(out, "%s%s: %s", out->n != 0 ? "; " : "", e->field, e->text);
	if (e->hint != NULL)
		buf_printf(out, " %s", e->hint);
}

void
field_errs_release(struct field_errs *errs)
{
	size_t i;

	for (i = 0; i < errs->n; i++) {
		free(errs->v[i].field);
		free(errs->v[i].text);
		free(errs->v[i].hint);
	}
	free(errs->v);
	*errs = (struct field_errs){0};
}
