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

struct step {
	struct purge *purge;
	int64_t before;
	bool more;
};

static int
run_step(struct db *db, void *arg, struct err *err)
{
	struct step *s = arg;

	/* A transaction that is lost is run again by nobody: what it said to have deleted is there. */
	s->purge->deleted = s->before;
	return purge_step(db, s->purge, &s->more, err);
}

int
purge_run(
    struct store *store, struct purge *p, const atomic_bool *stopping, struct err *err)
{
	struct step s = {.purge = p, .more = true};

	while (s.more) {
		if (atomic_load(stopping))
			return err_set(err, ERR_UNREACHABLE, _("the server stops"));
		s.before = p->deleted;
		if (store_run(store, run_step, &s, err)) {
			p->deleted = s.before;
			return -1;
		}
	}
	return 0;
}
