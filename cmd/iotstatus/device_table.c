/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/device_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"

struct device *
device_table_find(const struct device_table *f, struct span id)
{
	struct hash_search s = hash_find(&f->ids, hash_of(id));
	size_t i;

	while (hash_next(&s, &i)) {
		if (span_is(id, f->v[i].id))
			return &f->v[i];
	}
	return NULL;
}

struct device *
device_table_get(struct device_table *f, struct span id)
{
	struct device *d = device_table_find(f, id);

	if (d != NULL)
		return d;
	if (f->n == f->room) {
		f->room += f->room / 2 + 64;
		f->v = xreallocarray(f->v, f->room, sizeof(*f->v));
	}
	d = &f->v[f->n++];
	*d = (struct device){.id = xstrndup(id.p, id.n)};
	hash_table_add(&f->ids, hash_of(id), f->n - 1);
	return d;
}

uint32_t
device_table_group(struct device_table *f, struct span name)
{
	char *text;
	size_t i;

	for (i = 0; i < f->groups.n; i++) {
		if (span_is(name, f->groups.v[i]))
			return (uint32_t)i;
	}
	text = xstrndup(name.p, name.n);
	strv_add(&f->groups, text);
	free(text);
	return (uint32_t)i;
}

/* The API's word is about listed devices only, so that what is unlisted is a broker's. */
static void
take_over(struct device *d, struct device *from)
{
	int i;

	if (from == NULL || from == d || from->listed)
		return;
	for (i = 0; i < VIEWS; i++) {
		if (from->reported[i].known &&
		    (!d->reported[i].known ||
			from->reported[i].seen >= d->reported[i].seen))
			d->reported[i] = from->reported[i];
		from->reported[i].known = false;
	}
}

void
device_table_join(struct device_table *f)
{
	struct buf login = {0};
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct device *d = &f->v[i];

		if (!d->listed)
			continue;
		if (d->alias != NULL)
			take_over(d, device_table_find(f, span_of(d->alias)));
		buf_clear(&login);
		buf_printf(&login, "device_%s", d->id);
		take_over(d, device_table_find(f, buf_as_span(&login)));
	}
	buf_release(&login);
}

bool
device_table_seen_lately(int64_t seen, int64_t now, int64_t age)
{
	return seen >= now - age && seen <= now + age;
}

void
device_table_age(struct device_table *f, enum view view, int64_t now, int64_t age)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct device_seen *s = &f->v[i].reported[view];

		if (s->known && s->state == PRESENCE_ONLINE &&
		    !device_table_seen_lately(s->seen, now, age))
			s->state = PRESENCE_STALE;
	}
}

void
device_table_count(const struct device_table *f, enum view view, bool listed, long group,
    struct counts *out)
{
	size_t i;

	*out = (struct counts){.split = true};
	for (i = 0; i < f->n; i++) {
		const struct device *d = &f->v[i];
		const struct device_seen *s = &d->reported[view];

		if (listed ? !d->listed : !s->known)
			continue;
		if (group >= 0 && d->group != (uint32_t)group)
			continue;
		out->total++;
		out->n[s->known ? s->state : PRESENCE_NEVER]++;
	}
}

static int
by_id(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return strcmp(x->id, y->id);
}

void
device_table_sort(struct device_table *f)
{
	size_t i;

	if (f->n == 0)
		return;
	qsort(f->v, f->n, sizeof(*f->v), by_id);
	hash_table_release(&f->ids);
	for (i = 0; i < f->n; i++)
		hash_table_add(&f->ids, hash_of(span_of(f->v[i].id)), i);
}

bool
device_table_is_disputed(const struct device *d)
{
	bool on[VIEWS];
	int i;

	for (i = 0; i < VIEWS; i++)
		on[i] = d->reported[i].known && d->reported[i].state == PRESENCE_ONLINE;
	return d->listed && on[VIEW_SOURCE] != on[VIEW_OTHER];
}

void
device_table_release(struct device_table *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].id);
		free(f->v[i].alias);
	}
	free(f->v);
	hash_table_release(&f->ids);
	strv_release(&f->groups);
	*f = (struct device_table){0};
}
