/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words after RESOURCE VERB: which are names, which are fields. */
#include "iotctl/core/request.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

static int
check_field(const struct schema_resource *r, const struct schema_field *f, bool filters,
    struct err *err)
{
	if (filters && (f->flags & SCHEMA_WRITE_ONLY) != 0)
		return err_set(err, ERR_USAGE,
		    _("'%s' of %s is never shown: cannot filter by it"), f->name,
		    r->name);
	if (!filters && (f->flags & (SCHEMA_READ_ONLY | SCHEMA_DERIVED)) != 0)
		return err_set(err, ERR_USAGE, _("'%s' of %s is set by the server"),
		    f->name, r->name);
	return 0;
}

/* Others on the machine can read a command line while it runs. */
static char *
blanked(char *value)
{
	char *copy = xstrdup(value);

	memset(value, 'x', strlen(value));
	return copy;
}

static int
add_field(struct request *q, const struct field_word *w, bool filters, struct err *err)
{
	char *name = xstrndup(w->name.p, w->name.n);
	struct assign a = {.op = w->op, .value = w->value};
	int failed = 0;

	a.field = schema_field(q->r, name);
	a.filter =
	    filters ? schema_filter(q->r, a.field != NULL ? a.field->name : name) : NULL;
	if (a.filter != NULL && a.filter->compare == SCHEMA_FLAG)
		a.field = NULL;
	if (a.field == NULL && a.filter == NULL)
		failed = schema_need_field(q->r, name, err) == NULL;
	else if (a.field != NULL)
		failed = check_field(q->r, a.field, filters, err);
	if (!failed && (a.op == FIELD_TEXT || a.op == FIELD_JSON) && a.field != NULL &&
	    (a.field->flags & SCHEMA_WRITE_ONLY) != 0) {
		log_warn(
		    _("others on this machine can see arguments: give %s@FILE instead"),
		    name);
		a.value = blanked(w->value);
	} else {
		a.value = xstrdup(w->value);
	}
	free(name);
	q->v = xreallocarray(q->v, q->n + 1, sizeof(*q->v));
	q->v[q->n++] = a;
	return failed ? -1 : 0;
}

int
request_parse(struct ctl *c, const struct schema_resource *r, const struct operands *in,
    bool filters, struct request *out, struct err *err)
{
	size_t i;

	*out = (struct request){.r = r};
	for (i = 0; i < in->n; i++) {
		struct field_word w = field_split(in->v[i]);
		char *name = xstrndup(w.name.p != NULL ? w.name.p : "", w.name.n);
		/* A name such as admin@site is no field form. */
		bool is_name = i >= in->plain || w.op == FIELD_NONE ||
		    (w.op == FIELD_FILE && schema_field(r, name) == NULL);

		free(name);
		if (is_name)
			strv_add(&out->names, in->v[i]);
		else if (add_field(out, &w, filters, err))
			return -1;
	}
	out->named = out->names.n > 0;
	return ctl_names(c, &out->names, err);
}

void
request_release(struct request *q)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		mem_free_secret(q->v[i].value);
	free(q->v);
	strv_release(&q->names);
	*q = (struct request){0};
}
