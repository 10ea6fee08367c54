/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SHELL_COMPLETE_H
#define IOTCTL_SHELL_COMPLETE_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/* What may stand for the last word of a command line, given the words before it (options among them):
 * resources and commands, verbs, names, fields, and after FIELD= their values, after FIELD@ files. Each
 * candidate is a whole word that begins with `word`; one that ends with = @ or / goes on. */
void complete(struct ctl *c, const struct strv *before, const char *word, struct strv *out);

/* A command line that asks for completions, `__complete -- WORD...`, with those options among its words
 * that say which platform is meant put before: the same pointers (free). NULL: it does not ask. */
char **complete_options(int *argc, char **argv);

#endif
