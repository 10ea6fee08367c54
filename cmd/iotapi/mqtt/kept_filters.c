/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/kept_filters.h"

#include <string.h>

#include "base/buf.h"

/* Each has its NUL behind it in the row. */
void
kept_filters_read(struct db *db, int64_t broker, struct strv *out)
{
	sqlite3_stmt *stmt = db_query(
	    db, NULL, "SELECT filters FROM kept_filters WHERE broker = ?1", "i", broker);
	struct buf row = {0};
	size_t at;

	if (stmt != NULL && db_step(db, stmt, NULL) == 1)
		buf_span(&row, db_column_blob(stmt, 0));
	if (stmt != NULL)
		sqlite3_reset(stmt);
	for (at = 0; at < row.n; at += strlen(buf_str(&row) + at) + 1)
		strv_add(out, buf_str(&row) + at);
	buf_release(&row);
}

int
kept_filters_store(
    struct db *db, int64_t broker, const struct strv *filters, struct err *err)
{
	struct buf row = {0};
	size_t i;
	int failed;

	for (i = 0; i < filters->n; i++)
		buf_put(&row, filters->v[i], strlen(filters->v[i]) + 1);
	failed = db_run(db, err,
	    "INSERT OR REPLACE INTO kept_filters (broker, filters) SELECT id, ?2 FROM "
	    "broker WHERE id = ?1",
	    "ib", broker, buf_as_span(&row));
	buf_release(&row);
	return failed;
}
