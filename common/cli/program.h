/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "cli/opt.h"

/*
 * The beginning and the end of every main:
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		struct args a = ARGS_DEFAULT;
 *		struct opt_set set;
 *		struct buf answer = {0};
 *		struct err err = {0};
 *		int first;
 *
 *		if (program_start(&set, &iotsub, &a, &a.common, argc, argv, &first, &answer, &err) == 0 &&
 *		    answer.n == 0)
 *			run(&a, argv + first, &err);
 *		...release what run made...
 *		return program_end(&set, &answer, &err);
 *	}
 */

/* Locale (LC_NUMERIC stays C), message catalogue, SIGPIPE ignored, no core dumps (they would hold
 * secrets; IOT_CORE=1 in the environment allows them), options, configuration, log level. argv[*first..] are the operands. If help, version or
 * spec was asked for, `answer` holds what to print and nothing else was done. `set` and `answer`
 * are released by program_end, in every case. `common` is the member of `base`. */
int program_start(struct opt_set *set, const struct program *program, void *base,
    struct common *common, int argc, char **argv, int *first, struct buf *answer,
    struct err *err);

/* Flushes stdout (failing that is ERR_OUTPUT, unless the reader closed the pipe), prints the
 * error, releases, returns the exit status. An error of code ERR_SIGNAL + n, printed if it has a
 * text, ends the process by raising n, so that shell loops stop. */
int program_end(struct opt_set *set, struct buf *answer, struct err *err);

#endif
