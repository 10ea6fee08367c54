/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A filter is covered by another that has "+" in more of its levels. Thousands of filters have "+" in few
 * different sets of levels, their shapes: so for each filter and shape the one filter that would cover it is
 * made and looked up. */
#include "iotapi/mqtt/filter_cover.h"

#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_unique(struct strv *l)
{
	size_t i, n = 0;

	if (l->n != 0)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (i = 0; i < l->n; i++) {
		if (n != 0 && strcmp(l->v[n - 1], l->v[i]) == 0)
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

bool
filter_cover_has(const struct strv *filters, const char *filter)
{
	return filters->n != 0 &&
	    bsearch(&filter, filters->v, filters->n, sizeof(*filters->v), by_text) !=
	    NULL;
}

/* A letter a level: '+', or 'x' for any other. */
static void
put_shape(struct buf *out, const char *filter)
{
	size_t n;

	for (;; filter += n + 1) {
		n = strcspn(filter, "/");
		buf_putc(out, n == 1 && *filter == '+' ? '+' : 'x');
		if (filter[n] == '\0')
			return;
	}
}

/* The shapes of those that may take others. */
static void
find_shapes(const struct strv *filters, struct strv *shapes)
{
	struct buf shape = {0};
	size_t i, k;

	for (i = 0; i < filters->n; i++) {
		buf_clear(&shape);
		put_shape(&shape, filters->v[i]);
		for (k = 0; k < shapes->n && strcmp(shapes->v[k], buf_str(&shape)) != 0;)
			k++;
		if (k == shapes->n && strchr(buf_str(&shape), '+') != NULL)
			strv_add(shapes, buf_str(&shape));
	}
	buf_release(&shape);
}

/* The filter with "+" where the shape has it. False: it has another number of levels, or names that start
 * with $, which no "+" takes. */
static bool
put_widened(struct buf *out, const char *filter, const char *shape)
{
	size_t n;

	if (*filter == '$' && *shape == '+')
		return false;
	for (; *shape != '\0'; filter += n + 1) {
		n = strcspn(filter, "/");
		if (*shape++ == '+')
			buf_putc(out, '+');
		else
			buf_put(out, filter, n);
		if (filter[n] == '\0')
			return *shape == '\0';
		buf_putc(out, '/');
	}
	return false;
}

static bool
is_taken(const struct strv *filters, const struct strv *shapes, const char *filter)
{
	struct buf wider = {0};
	bool taken = false;
	size_t i;

	for (i = 0; i < shapes->n && !taken; i++) {
		buf_clear(&wider);
		taken = put_widened(&wider, filter, shapes->v[i]) &&
		    strcmp(buf_str(&wider), filter) != 0 &&
		    filter_cover_has(filters, buf_str(&wider));
	}
	buf_release(&wider);
	return taken;
}

void
filter_cover_reduce(struct strv *filters)
{
	struct strv shapes = {0}, kept = {0};
	size_t i;

	sort_unique(filters);
	find_shapes(filters, &shapes);
	for (i = 0; i < filters->n; i++) {
		if (!is_taken(filters, &shapes, filters->v[i]))
			strv_add(&kept, filters->v[i]);
	}
	strv_release(&shapes);
	strv_release(filters);
	*filters = kept;
}
