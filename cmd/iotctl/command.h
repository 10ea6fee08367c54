/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_COMMAND_H
#define IOTCTL_COMMAND_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/*
 * The two tables that iotctl's words stand in. Running, usage lines, help, completion and the shell's pager
 * all read them: a new command is a row in command.c, a function in run.h and the file that has it.
 */

enum command_flag {
	COMMAND_NEW_CONTEXT = 1,    /* may name a context that is not there yet */
	COMMAND_ONLY_SHOWS = 2,     /* changes nothing: the shell offers its output to a pager */
	COMMAND_BROKER_FORMATS = 4, /* takes --format emqx and mosquitto */
	COMMAND_DEVICE_FORMATS = 8, /* takes --format h and sh */
	COMMAND_SENTENCES = 16,     /* its output has sentences: English where programs read it */
	COMMAND_NO_DRY_RUN = 32,    /* changes what no request says: --dry-run is refused */
};

/* A command that is no plain verb of a resource. `path` is one word, or two of which the first may
 * be a resource (or its alias). */
struct command {
	const char *path;
	const char *operands; /* for its usage line */
	const char *help;     /* N_(); NULL: not for people */
	int (*run)(struct ctl *c, const struct operands *in, struct err *err);
	unsigned flags;       /* enum command_flag */
	/* Resources whose names complete the first operand and those behind it; NULL: nothing does. */
	const char *first, *others;
};

/* What follows a verb, for completion. */
enum verb_operands { VERB_NAMES = 1, VERB_FIELDS = 2, VERB_FILTERS = 4 };

/* A verb that every resource understands. */
struct verb {
	const char *name;
	const char *const *aliases;
	enum schema_verb flag;
	int (*run)(struct ctl *c, const struct schema_resource *r,
	    const struct operands *in, struct err *err);
	const char *help;     /* N_() */
	const char *operands; /* for its usage line */
	unsigned takes;       /* enum verb_operands */
	bool only_shows;      /* as COMMAND_ONLY_SHOWS */
};

/* The tables, row by row; NULL behind the last. */
const struct command *command_row(size_t i);
const struct verb *command_verb_row(size_t i);
/* By its name or an alias; NULL: no verb. */
const struct verb *command_find_verb(const char *word);
/* A verb's own name for its alias; any other word as it is. */
const char *command_verb(const char *word);

/* Whether what the first two words ask for uses an option; of words that no row has (second: NULL) all do. */
bool command_uses(const char *first, const char *second, const struct opt *row);
/* Adds the words that may follow `first` (canonical), or, NULL, begin a command line. */
void command_next(const char *first, struct strv *out);
/* Whether a verb, or the last word of a command, changes nothing. */
bool command_only_shows(const char *word);

/* Finds what the first words ask for and runs it. 0, or -1 with its error; ERR_USAGE, with what was meant
 * or what there is, for words that no row has. */
int command_run(struct ctl *c, const struct operands *in, struct err *err);

/* Appends the words that the generated completions offer: commands, RESOURCE VERB, fields; and the command
 * that knows more, such as names, when asked on the spot. */
void command_spec(struct buf *out);

#endif
