/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/threshold.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

static struct threshold *
limit_named(struct thresholds *l, const char *text, size_t n)
{
	char *name;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strlen(l->v[i].group) == n && memcmp(l->v[i].group, text, n) == 0)
			return &l->v[i];
	}
	name = xstrndup(text, n);
	strv_add(&l->names, name);
	free(name);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct threshold){.group = l->names.v[l->names.n - 1]};
	return &l->v[l->n++];
}

/* "75" alerts above 75 in the guidelines' grammar, so that a fleet that is down would be OK. For a percentage
 * online that is a slip. */
static int
refuse_bare(const struct range *r, const char *what, struct err *err)
{
	if (r->inside || strchr(r->text, ':') != NULL)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("%s: '%s' would alert above %g%% online: did you mean '%s:'? (else "
	      "'0:%s')"),
	    what, r->text, r->high, r->text, r->text);
}

static int
read_list(struct thresholds *l, const struct strv *list, const char *what, bool critical,
    struct err *err)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		const char *text = list->v[i];
		const char *equals = strrchr(text, '=');
		struct threshold *limit = equals == NULL
		    ? &l->all
		    : limit_named(l, text, (size_t)(equals - text));

		struct range *range = critical ? &limit->critical : &limit->warning;

		if (range_parse(range, equals == NULL ? text : equals + 1, what, err) ||
		    refuse_bare(range, what, err))
			return -1;
	}
	return 0;
}

static int
check(const struct threshold *l, struct err *err)
{
	if (range_covers(&l->warning, &l->critical))
		return 0;
	return err_set(err, ERR_USAGE,
	    _("--critical '%s' is looser than --warning '%s': it would never be only a "
	      "warning"),
	    l->critical.text, l->warning.text);
}

int
threshold_read(struct thresholds *l, const struct strv *warning,
    const struct strv *critical, struct err *err)
{
	size_t i;

	if (read_list(l, warning, "--warning", false, err) ||
	    read_list(l, critical, "--critical", true, err) || check(&l->all, err))
		return -1;
	for (i = 0; i < l->n; i++) {
		struct threshold whole = threshold_of(l, l->v[i].group);

		if (check(&whole, err))
			return -1;
	}
	return 0;
}

struct threshold
threshold_of(const struct thresholds *l, const char *group)
{
	struct threshold found = l->all;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].group, group) != 0)
			continue;
		found.group = l->v[i].group;
		if (l->v[i].warning.given)
			found.warning = l->v[i].warning;
		if (l->v[i].critical.given)
			found.critical = l->v[i].critical;
	}
	return found;
}

void
threshold_release(struct thresholds *l)
{
	free(l->v);
	strv_release(&l->names);
	*l = (struct thresholds){0};
}
