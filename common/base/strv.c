/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
strv_add(struct strv *l, const char *s)
{
	/* Room for the next power of two, so that many cost no more than linear time. */
	if ((l->n & (l->n - 1)) == 0)
		l->v = xreallocarray(l->v, l->n == 0 ? 1 : l->n * 2, sizeof(*l->v));
	l->v[l->n++] = xstrdup(s);
}

void
strv_split(struct strv *l, const char *s, char sep)
{
	while (*s != '\0') {
		const char *end = strchrnul(s, sep);
		const char *from = s;
		const char *to = end;

		while (from < to && (*from == ' ' || *from == '\t'))
			from++;
		while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		if (to > from) {
			char *part = xstrndup(from, (size_t)(to - from));

			strv_add(l, part);
			free(part);
		}
		s = *end != '\0' ? end + 1 : end;
	}
}

void
strv_release(struct strv *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){0};
}
