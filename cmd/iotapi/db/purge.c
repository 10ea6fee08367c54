/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/purge.h"

#include "base/text.h"
#include "iotapi/db/rows.h"

int
purge_step(struct db *db, struct purge *p, bool *more, struct err *err)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	size_t i;
	int step;

	*more = false;
	buf_printf(&sql,
	    "DELETE FROM reading WHERE id IN (SELECT t.id FROM reading t%s LIMIT %d)",
	    p->where, PURGE_STEP);
	stmt = db_query(db, err, buf_str(&sql), "");
	buf_release(&sql);
	if (stmt == NULL)
		return -1;
	for (i = 0; i < json_array_size(p->binds); i++)
		rows_bind(stmt, (int)i + 1, NULL, json_array_get(p->binds, i));
	step = db_step(db, stmt, err);
	if (step == 0) {
		p->deleted += db_changes(db);
		*more = db_changes(db) == PURGE_STEP;
	}
	return step;
}

/* Found by a reader, however long that takes, and deleted by the writer. In the order of their times, as the indexes
 * are, so that each step goes on where the one before ended. */
struct step {
	struct purge *purge;
	int64_t since; /* the time up to which it came */
	int64_t ids[PURGE_STEP];
	size_t n;
	int64_t deleted;
};

static int
find_some(struct db *db, struct step *s, struct err *err)
{
	const struct purge *p = s->purge;
	const size_t marks = json_array_size(p->binds);
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	size_t i;
	int step;

	buf_printf(&sql,
	    "SELECT t.id, t.timestamp FROM reading t%s%s t.timestamp >= ? ORDER BY "
	    "t.timestamp LIMIT %d",
	    p->where, p->where[0] != '\0' ? " AND" : " WHERE", PURGE_STEP);
	stmt = db_query(db, err, buf_str(&sql), "");
	buf_release(&sql);
	if (stmt == NULL)
		return -1;
	for (i = 0; i < marks; i++)
		rows_bind(stmt, (int)i + 1, NULL, json_array_get(p->binds, i));
	sqlite3_bind_int64(stmt, (int)marks + 1, s->since);
	s->n = 0;
	while ((step = db_step(db, stmt, err)) == 1) {
		s->ids[s->n++] = sqlite3_column_int64(stmt, 0);
		s->since = sqlite3_column_int64(stmt, 1);
	}
	return step;
}

static int
delete_some(struct db *db, void *arg, struct err *err)
{
	struct step *s = arg;
	size_t i;

	s->deleted = 0;
	for (i = 0; i < s->n; i++) {
		if (db_run(db, err, "DELETE FROM reading WHERE id = ?1", "i", s->ids[i]))
			return -1;
		s->deleted += db_changes(db);
	}
	return 0;
}

static int
run_step(struct store *store, struct step *s, struct err *err)
{
	struct db *reader = store_reader(store, err);
	int failed = reader == NULL || find_some(reader, s, err);

	store_reader_done(store, reader);
	failed = failed || (s->n != 0 && store_run(store, delete_some, s, err));
	if (!failed && s->n != 0)
		s->purge->deleted += s->deleted;
	return failed ? -1 : 0;
}

int
purge_run(
    struct store *store, struct purge *p, const atomic_bool *stopping, struct err *err)
{
	struct step s = {.purge = p, .since = INT64_MIN, .n = PURGE_STEP};

	while (s.n == PURGE_STEP) {
		if (atomic_load(stopping))
			return err_set(err, ERR_UNREACHABLE, _("the server stops"));
		if (run_step(store, &s, err))
			return -1;
	}
	return 0;
}
