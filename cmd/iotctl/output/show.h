/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_OUTPUT_SHOW_H
#define IOTCTL_OUTPUT_SHOW_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/*
 * Objects on stdout in the format asked for. Machine formats hold the server's own bytes. A table is
 * printed when it is complete, and so is the array of json: stdout stays empty or valid. ndjson and
 * csv go out object by object.
 */
struct show {
	struct ctl *ctl;
	const struct schema_resource *r;
	enum format format;
	bool many; /* json: an array, even of one; table: rows, else a line a field */
	const struct schema_field **columns; /* NULL-ended */
	bool zoneless;   /* a table has times whose zone nobody knows */
	size_t count;    /* objects so far */
	struct buf json; /* the array so far */
	struct strv cells;
};

/* Checks --columns (ERR_USAGE). */
int show_start(struct show *s, struct ctl *c, const struct schema_resource *r, bool many,
    struct err *err);
/* `object` is checked JSON. */
void show_object(struct show *s, struct span object);
/* Prints what was kept back, if `ok`, and releases. */
void show_end(struct show *s, bool ok);

/* Bytes on stdout as they are; on a terminal, control characters but line ends made visible. */
void show_bytes(struct span bytes);
/* The same with a line end at the end, for answers that are no objects of the schema. */
void show_raw(struct span body);

/* Whether a person reads stdout: a terminal, or the pager of the shell, which says so. */
bool show_is_for_person(void);
void show_to_pager(void);

/* A copy with control characters made visible (free). */
char *show_text(const char *s);

/* A table of cells, `columns` a row, aligned by display columns, control characters visible;
 * `header` may be NULL. */
void show_table(const struct strv *cells, size_t columns, const char *const *header);

#endif
