/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_COMMAND_H
#define IOTCTL_COMMAND_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/* A command that is no plain verb of a resource. `path` is one word, or two of which the first may
 * be a resource (or its alias). */
struct command {
	const char *path;
	const char *operands; /* for its usage line */
	const char *help;     /* N_() */
	int (*run)(struct ctl *c, const struct operands *in, struct err *err);
	bool new_context;     /* may name a context that is not there yet */
};

/* A verb that every resource understands. */
struct verb {
	const char *name;
	const char *const *aliases;
	enum schema_verb flag;
	int (*run)(struct ctl *c, const struct schema_resource *r,
	    const struct operands *in, struct err *err);
	const char *help;     /* N_() */
	const char *operands; /* for its usage line */
};

/* The tables, row by row; NULL behind the last. */
const struct command *command_row(size_t i);
const struct verb *command_verb_row(size_t i);
const struct verb *command_find_verb(const char *word);

/* The words that may follow `first` (canonical), or, NULL, begin a command line. help.c. */
void command_next(const char *first, struct strv *out);
/* A verb's own name for its alias; any other word as it is. help.c. */
const char *command_verb(const char *word);

/* Finds what the first words ask for and runs it. */
int command_run(struct ctl *c, const struct operands *in, struct err *err);

/* The words that completions offer: commands, RESOURCE VERB, fields; and the command that knows more,
 * such as names, when asked on the spot. */
void command_spec(struct buf *out);

#endif
