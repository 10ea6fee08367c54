/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/doctor/findings.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

void
findings_add(
    struct findings *f, const char *check, enum health health, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct finding){check, health, buf_steal(&text)};
}

enum health
findings_health(const struct err *err)
{
	return err->code == ERR_AUTH || err->code == ERR_USAGE ? HEALTH_UNKNOWN
							       : HEALTH_BAD;
}

void
findings_release(struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->v[i].text);
	free(f->v);
	*f = (struct findings){0};
}

size_t
findings_bad(const struct findings *f)
{
	size_t bad = 0, i;

	for (i = 0; i < f->n; i++)
		bad += f->v[i].health == HEALTH_BAD;
	return bad;
}
