/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that have no effect without another one. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/opt.h"

/* One of the words of `needs`: "name", "name=value" or "!name". */
struct need {
	const struct opt *row;
	bool absent;
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
	const bool absent = word[0] == '!';
	size_t n = strcspn(word, "|"), name = strcspn(word, "=|");

	if (n == 0)
		return false;
	*text = word + n + (word[n] == '|');
	*out = (struct need){.absent = absent,
	    .row = find_row(set, (struct span){word + absent, name - absent})};
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
		if (one.row != NULL && is_given(set, one.row) != one.absent &&
		    (one.value.p == NULL || has_value(set, one.row, one.value)))
			return true;
	}
	return false;
}

static int
complain(const struct opt_set *set, const char *what, const char *needs, struct err *err)
{
	struct buf words = {0};
	struct need one;
	size_t n = 0;

	while (next_need(set, &needs, &one)) {
		if (one.absent)
			continue;
		buf_puts(&words, n++ != 0 ? ", " : "");
		if (one.row != NULL && one.row->name != NULL)
			buf_printf(&words, "--%s", one.row->name);
		else if (one.row != NULL)
			buf_printf(&words, "-%c", one.row->letter);
		if (one.value.p != NULL)
			buf_printf(&words, " %.*s", (int)one.value.n, one.value.p);
	}
	err_set(err, ERR_USAGE, n > 1 ? _("%s needs one of %s") : _("%s needs %s"), what,
	    buf_str(&words));
	buf_release(&words);
	return -1;
}

/* What a row needs by itself, or by the group that it stands in. */
static const char *
needs_of(const struct opt_set *set, size_t i)
{
	const struct opt *opts = set->program->opts;

	if (opts[i].needs != NULL)
		return opts[i].needs;
	while (i > 0 && opts[i].type != OPT_TYPE_GROUP)
		i--;
	return opts[i].type == OPT_TYPE_GROUP ? opts[i].needs : NULL;
}

bool
opt_lacks_needs(const struct opt_set *set, size_t offset)
{
	const char *needs;
	size_t i = 0;

	while (i < set->count &&
	    (set->program->opts[i].type == OPT_TYPE_GROUP ||
		set->program->opts[i].offset != offset))
		i++;
	needs = i < set->count ? needs_of(set, i) : NULL;
	return needs != NULL && !is_met(set, needs);
}

int
opt_check_needs(const struct opt_set *set, struct err *err)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const char *needs = needs_of(set, i);

		if (set->program->opts[i].type != OPT_TYPE_GROUP && needs != NULL &&
		    set->origin[i].source == OPT_FROM_ARGV && !is_met(set, needs))
			return complain(set, set->origin[i].where, needs, err);
	}
	return 0;
}
