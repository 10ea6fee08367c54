/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that have no effect without another one. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/opt.h"

/* One of the words of `needs`: "name" or "name=value". */
struct need {
	const struct opt *row;
	struct span value; /* p NULL: any */
};

/* By its long name, or its letter where it has none. */
static const struct opt *
find_row(const struct opt_set *set, struct span name)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (o->name != NULL ? span_is(name, o->name)
				    : name.n == 1 && o->letter == name.p[0])
			return o;
	}
	return NULL;
}

/* The next word at *text, which moves behind it; false: there is none. */
static bool
next_need(const struct opt_set *set, const char **text, struct need *out)
{
	const char *word = *text;
	size_t n = strcspn(word, "|"), name = strcspn(word, "=|");

	if (n == 0)
		return false;
	*text = word + n + (word[n] == '|');
	*out = (struct need){.row = find_row(set, (struct span){word, name})};
	if (name < n)
		out->value = (struct span){word + name + 1, n - name - 1};
	return true;
}

/* From whatever source, under any of its names. */
static bool
is_given(const struct opt_set *set, const struct opt *row)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->program->opts[i].type != OPT_TYPE_GROUP &&
		    set->program->opts[i].offset == row->offset &&
		    set->origin[i].source != OPT_FROM_BUILTIN)
			return true;
	}
	return false;
}

/* Of an OPT_TYPE_ENUM. */
static bool
has_value(const struct opt_set *set, const struct opt *row, struct span value)
{
	const char *c = row->choices;
	int left = *(const int *)((const char *)set->base + row->offset);

	for (; left > 0; left--)
		c += strcspn(c, "|") + 1;
	return strcspn(c, "|") == value.n && memcmp(c, value.p, value.n) == 0;
}

static bool
is_met(const struct opt_set *set, const char *needs)
{
	struct need one;

	while (next_need(set, &needs, &one)) {
		if (one.row != NULL && is_given(set, one.row) &&
		    (one.value.p == NULL || has_value(set, one.row, one.value)))
			return true;
	}
	return false;
}

static int
complain(const struct opt_set *set, const char *what, const char *needs, struct err *err)
{
	const bool several = strchr(needs, '|') != NULL;
	struct buf words = {0};
	struct need one;

	while (next_need(set, &needs, &one)) {
		buf_puts(&words, words.n != 0 ? ", " : "");
		if (one.row != NULL && one.row->name != NULL)
			buf_printf(&words, "--%s", one.row->name);
		else if (one.row != NULL)
			buf_printf(&words, "-%c", one.row->letter);
		if (one.value.p != NULL)
			buf_printf(&words, " %.*s", (int)one.value.n, one.value.p);
	}
	err_set(err, ERR_USAGE, several ? _("%s needs one of %s") : _("%s needs %s"),
	    what, buf_str(&words));
	buf_release(&words);
	return -1;
}

int
opt_check_needs(const struct opt_set *set, struct err *err)
{
	const char *of_group = NULL;
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];
		const char *needs = o->needs != NULL ? o->needs : of_group;

		if (o->type == OPT_TYPE_GROUP)
			of_group = o->needs;
		else if (needs != NULL && set->origin[i].source == OPT_FROM_ARGV &&
		    !is_met(set, needs))
			return complain(set, set->origin[i].where, needs, err);
	}
	return 0;
}
