/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/apply/prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/confirm.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/write.h"
#include "iotctl/login/device_login.h"
#include "iotctl/mqtt/retained.h"
#include "iotctl/output/result_line.h"
#include "iotctl/output/show.h"

/* Readings cannot be written back, and nobody loses an account because a file leaves
 * it out. */
static bool
is_prunable(const struct schema_resource *r)
{
	return (r->verbs & SCHEMA_DELETE) != 0 && strcmp(r->name, "user") != 0 &&
	    strcmp(r->name, "role") != 0;
}

int
prune_check(const struct ctl *c, struct err *err)
{
	if (c->args->yes || c->args->dry_run || tty_is_there())
		return 0;
	return err_set(
	    err, ERR_USAGE, _("will not --prune without --yes: no terminal to ask on"));
}

/* The next resource that a file names, from the highest level down, each once; NULL: no more. `i`: the items
 * that are left. */
static struct index *
next_index(struct planner *p, bool *done, size_t *i)
{
	while (*i > 0) {
		const struct schema_resource *r = p->m.v[--*i].r;

		if (!done[r - schema] && is_prunable(r)) {
			done[r - schema] = true;
			return &p->held.v[r - schema];
		}
	}
	return NULL;
}

/* Calls fn for each object that nothing in the files stands for. Returns how many, or -1. */
static ssize_t
each_surplus(struct planner *p,
    int (*fn)(struct ctl *c, const struct schema_resource *r, struct span object,
	struct err *err),
    struct err *err)
{
	bool *done = xcalloc(p->held.n + 1, sizeof(*done));
	size_t items = p->m.n, k;
	const struct index *index;
	ssize_t n = 0;

	while (n >= 0 && (index = next_index(p, done, &items)) != NULL) {
		for (k = 0; k < index->objects.n && n >= 0; k++) {
			struct span object = buf_as_span(&index->objects.v[k]);

			if (index->claimed[k] || lookup_id_of(object) == 0)
				continue;
			n = fn(p->c, index->r, object, err) ? -1 : n + 1;
		}
	}
	free(done);
	return n;
}

static void
say_deleted(
    struct ctl *c, const struct schema_resource *r, const char *label, json_int_t id)
{
	if (c->args->format == FORMAT_TABLE)
		ctl_say_done(c, CTL_DELETED, r->name, label, id);
	else
		result_line_show(&(struct result_line){.resource = r->name,
		    .key = "name",
		    .name = label,
		    .result = "deleted"});
}

static int
delete_one(
    struct ctl *c, const struct schema_resource *r, struct span object, struct err *err)
{
	char *path = ctl_object_path(r, lookup_id_of(object), NULL);
	char *label = lookup_label_of(r, object);
	struct err why = {0};
	int failed = 0;

	if (c->args->dry_run) {
		write_show("DELETE", path, NULL);
	} else {
		failed = confirm_delete(c, r, label, err) ||
		    rest_call(c->api, "DELETE", path, (struct span){0}, NULL, &why);
		/* What it referred to may have taken it along. */
		if (why.code == ERR_NOT_FOUND)
			failed = 0;
		else if (why.code != ERR_OK)
			*err = why;
		if (!failed) {
			say_deleted(c, r, label, lookup_id_of(object));
			device_login_forget(c, r, object);
			retained_clear(c, r, object);
		} else if (why.code != ERR_OK) {
			err_in(err, _("cannot delete %s '%s'"), r->name, label);
		}
	}
	free(label);
	free(path);
	return failed ? -1 : 0;
}

int
prune_run(struct planner *p, struct err *err)
{
	return each_surplus(p, delete_one, err) < 0 ? -1 : 0;
}

static int
show_one(
    struct ctl *c, const struct schema_resource *r, struct span object, struct err *err)
{
	char *label = lookup_label_of(r, object);
	char *shown = show_text(label);

	(void)c;
	(void)err;
	printf("- %s '%s'\n", r->name, shown);
	free(shown);
	free(label);
	return 0;
}

size_t
prune_show(struct planner *p)
{
	return (size_t)each_surplus(p, show_one, NULL);
}
