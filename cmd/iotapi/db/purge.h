/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_DB_PURGE_H
#define IOTAPI_DB_PURGE_H

#include <jansson.h>
#include <stdatomic.h>

#include "iotapi/db/store.h"

/* Readings that are deleted, many or few: some hundreds in each transaction, so that what others write waits for
 * milliseconds only. What was deleted stays so when it ends in the middle. The file keeps its size: SQLite uses the
 * room again. */

enum { PURGE_STEP = 500 };

/* Which: "", or " WHERE ..." over the table reading named t, made of the schema's names only; one value of the array
 * `binds` for each mark, in their order. */
struct purge {
	const char *where;
	const json_t *binds;
	int64_t deleted; /* so far */
};

/* One step, inside a transaction: deletes up to PURGE_STEP. *more: there may be others. For what an index finds at once.
 * Not 0: the database failed. */
int purge_step(struct db *db, struct purge *p, bool *more, struct err *err);
/* Steps until there are no more, or *stopping (ERR_UNREACHABLE); the writer has none of the search. Blocks. From any
 * thread but the writer's. */
int purge_run(
    struct store *store, struct purge *p, const atomic_bool *stopping, struct err *err);

#endif
