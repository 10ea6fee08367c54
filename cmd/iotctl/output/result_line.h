/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_RESULT_LINE_H
#define IOTCTL_OUTPUT_RESULT_LINE_H

#include <stddef.h>

#include "base/err.h"

/* What became of one thing of many. */
struct result_line {
	size_t row;            /* its place in what was read, from 1; 0: it is in none */
	const char *resource;  /* NULL: it goes without saying */
	const char *key;       /* what the line calls the name: "name", "device" */
	const char *name;
	const char *result;    /* "created", "failed" ... */
	const struct err *why; /* NULL: it did not fail */
};

/* As one line of JSON on stdout, at once: whoever reads it sees how far it has come. */
void result_line_show(const struct result_line *l);

#endif
