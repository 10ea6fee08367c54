/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that only some commands of a program use. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/opt.h"

static bool
has_word(const char *words, const char *word)
{
	const size_t n = strlen(word);

	for (;;) {
		size_t m = strcspn(words, "|");

		if (m == n && memcmp(words, word, n) == 0)
			return true;
		if (words[m] == '\0')
			return false;
		words += m + 1;
	}
}

bool
opt_is_of(const struct opt *row, const char *command, const char *general)
{
	return row->of == NULL || has_word(row->of, command) ||
	    (general != NULL && has_word(row->of, general));
}

static int
complain(const char *what, const struct opt *row, const char *command, struct err *err)
{
	struct buf words = {0};
	const char *c;

	if (row->of[0] == '\0')
		return err_set(err, ERR_USAGE,
		    _("%s does not go with '%s', only with commands from standard "
		      "input"),
		    what, command);
	for (c = row->of; *c != '\0'; c++) {
		if (*c == '|')
			buf_puts(&words, ", ");
		else
			buf_putc(&words, *c);
	}
	err_set(err, ERR_USAGE, _("%s does not go with '%s', only with: %s"), what,
	    command, buf_str(&words));
	buf_release(&words);
	return -1;
}

int
opt_check_command(const struct opt_set *set, const struct opt_set *held,
    const char *command, const char *general, struct err *err)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct opt *o = &set->program->opts[i];

		if (set->origin[i].source == OPT_FROM_ARGV &&
		    !opt_is_of(o, command, general) &&
		    (held == NULL || held->origin[i].source != OPT_FROM_ARGV))
			return complain(set->origin[i].where, o, command, err);
	}
	return 0;
}
