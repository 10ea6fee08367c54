/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_APPLY_YAML_PARSE_H
#define IOTCTL_APPLY_YAML_PARSE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Each document of a text, YAML or JSON (one after the other is fine), as JSON: fn(arg, doc, n),
 * `n` counting from 1. Plain words are numbers, true, false and null where JSON has them, text
 * otherwise: "yes" and "007" stay what they are. Aliases and merge keys (<<) are replaced by what they stand
 * for. Stops when `fn` returns not 0 and returns that.
 * Errors name the line; `name` is the file's. */
int yaml_parse_documents(struct span text, const char *name,
    int (*fn)(void *arg, json_t *doc, size_t n, struct err *err), void *arg,
    struct err *err);

#endif
