/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --prune: what the files do not name goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/apply/apply.h"
#include "iotctl/core/confirm.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/write.h"
#include "iotctl/mqtt/retained.h"
#include "iotctl/output/show.h"

/* Readings are data, and people are not swept away with a file. */
static bool
is_prunable(const struct schema_resource *r)
{
	return (r->verbs & SCHEMA_DELETE) != 0 && strcmp(r->name, "user") != 0 &&
	    strcmp(r->name, "role") != 0;
}

int
apply_prune_check(const struct ctl *c, struct err *err)
{
	if (c->args->yes || c->args->dry_run || tty_is_there())
		return 0;
	return err_set(
	    err, ERR_USAGE, _("will not --prune without --yes: no terminal to ask on"));
}

/* Calls fn for each object too many: of resources that a file names, dependents first. */
static int
each_surplus(struct apply *a,
    int (*fn)(struct apply *a, const struct index *s, size_t object, struct err *err),
    struct err *err)
{
	size_t i = a->m.n, k;
	const struct schema_resource *last = NULL;
	bool done[64] = {false};

	while (i-- > 0) {
		const struct schema_resource *r = a->m.v[i].r;
		struct index *s = &a->p.stocks.v[r - schema];

		if (r == last || done[r - schema] || !is_prunable(r))
			continue;
		last = r;
		done[r - schema] = true;
		for (k = 0; k < s->objects.n; k++) {
			if (!s->touched[k] &&
			    lookup_id_of(buf_as_span(&s->objects.v[k])) != 0 &&
			    fn(a, s, k, err))
				return -1;
		}
	}
	return 0;
}

static int
delete_one(struct apply *a, const struct index *s, size_t object, struct err *err)
{
	struct ctl *c = a->p.c;
	struct span bytes = buf_as_span(&s->objects.v[object]);
	char *path = ctl_object_path(s->r, lookup_id_of(bytes), NULL);
	char *label = lookup_label_of(s->r, bytes);
	struct err why = {0};
	int failed = 0;

	if (c->args->dry_run) {
		write_show("DELETE", path, NULL);
	} else {
		failed = confirm_delete(c, s->r, label, err) ||
		    rest_call(c->api, "DELETE", path, (struct span){0}, NULL, &why);
		/* What it hung on may have taken it along. */
		if (why.code == ERR_NOT_FOUND)
			failed = 0;
		else if (why.code != ERR_OK)
			*err = why;
		if (!failed) {
			apply_say(c, 0, s->r, label, lookup_id_of(bytes), DELETED, NULL);
			retained_clear(c, s->r, bytes);
		} else if (why.code != ERR_OK) {
			err_in(err, _("cannot delete %s '%s'"), s->r->name, label);
		}
	}
	free(label);
	free(path);
	return failed ? -1 : 0;
}

int
apply_prune_run(struct apply *a, struct err *err)
{
	return each_surplus(a, delete_one, err);
}

static int
show_one(struct apply *a, const struct index *s, size_t object, struct err *err)
{
	char *label = lookup_label_of(s->r, buf_as_span(&s->objects.v[object]));
	char *shown = show_text(label);

	(void)a;
	(void)err;
	printf("- %s '%s'\n", s->r->name, shown);
	free(shown);
	free(label);
	return 0;
}

static int
count_one(struct apply *a, const struct index *s, size_t object, struct err *err)
{
	(void)s;
	(void)object;
	(void)err;
	a->failed++;
	return 0;
}

size_t
apply_prune_show(struct apply *a)
{
	struct err err = {0};

	each_surplus(a, show_one, &err);
	a->failed = 0;
	each_surplus(a, count_one, &err);
	return a->failed;
}
