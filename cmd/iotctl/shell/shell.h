/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SHELL_SHELL_H
#define IOTCTL_SHELL_SHELL_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/* One command line, run and told of in a process of its own, as if it stood behind the options that the
 * shell was started with, which are `held`. The answer is its exit status. */
typedef int run_fn(
    int argc, char **argv, const struct opt_set *held, bool for_person);

struct shell {
	struct ctl *c;
	run_fn *run;
	struct strv argv;   /* the program's name and options, as they were given */
	char *resource;     /* of "use"; NULL: none */
	char *context;      /* of "use"; NULL: that of the options and the configuration */
	bool keep_going;
	bool terminal;
	bool leave;         /* "exit" */
	size_t number;      /* of the line, from 1 */
	size_t run_count, failed;
	int status;         /* of the last line that failed */
};

/* A terminal: asks, line by line, until Ctrl-D or "exit". Blocks. */
int shell_interactive(struct shell *s, struct err *err);
/* Commands from stdin, up to the first that fails, or all with keep_going. Blocks. */
int shell_script(struct shell *s, struct err *err);

/* Runs the lines of a text; 0, or the exit status of the one that failed. */
int shell_text(struct shell *s, const char *text);
/* Whether a quote or a backslash in it waits for more. */
bool shell_text_is_open(const char *text);
/* The next whole command of `text`, which goes on behind it: more than a line where a quote is open
 * (free). */
char *shell_next_command(const char **text, size_t *lines);
/* "prod:broker> " (free). */
char *shell_prompt(const struct shell *s);
void shell_release(struct shell *s);

#endif
