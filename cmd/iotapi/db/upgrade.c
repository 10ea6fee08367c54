/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a database lacks is found by comparing it with tables made anew beside it, so that a row of the schema is
 * all that a new column or table needs. */
#include "iotapi/db/upgrade.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotapi/db/backup.h"

enum { NAMED_MOST = 10 };

/* Statements in their order, and what is told before each of them; "": nothing. Behind them what an administrator made:
 * what it is, and how. */
struct plan {
	struct strv sql, told;
	struct strv kept, kept_sql;
};

/* Indexes that an earlier version made; today's have other names. */
static const char former[] = "'reading_time'";

static void __attribute__((format(printf, 3, 4)))
add(struct plan *p, const char *told, const char *fmt, ...)
{
	struct buf sql = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&sql, fmt, ap);
	va_end(ap);
	strv_add(&p->told, told);
	strv_add(&p->sql, buf_str(&sql));
	buf_release(&sql);
}

/* Columns that a later iotapi made, or another program. */
static int
refuse_unknown(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT t.name || '.' || m.name FROM loose.sqlite_master t, "
	    "pragma_table_info(t.name, 'main') m WHERE t.type = 'table' AND t.name NOT "
	    "LIKE 'sqlite%' AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name, "
	    "'loose') l WHERE l.name = m.name) ORDER BY 1",
	    "");
	struct buf names = {0};
	int step = stmt != NULL ? 1 : -1;
	size_t n = 0;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		if (n++ >= NAMED_MOST)
			continue;
		buf_puts(&names, n > 1 ? ", " : "");
		buf_span(&names, db_column_text(stmt, 0));
	}
	if (step == 0 && n > NAMED_MOST)
		step = err_set(err, ERR_USAGE,
		    P_("it is of a later iotapi, or of another program: it has %s and "
		       "%zu more",
			"it is of a later iotapi, or of another program: it has %s and "
			"%zu more",
			n - NAMED_MOST),
		    buf_str(&names), n - NAMED_MOST);
	else if (step == 0 && n != 0)
		step = err_set(err, ERR_USAGE,
		    _("it is of a later iotapi, or of another program: it has %s"),
		    buf_str(&names));
	buf_release(&names);
	return step;
}

/* What ADD COLUMN cannot do: another type, a reference, UNIQUE, and NULL where there was none. */
static bool
needs_rebuild(struct db *db, const char *table)
{
	return db_number(db, 0,
		   "SELECT count(*) FROM pragma_table_info(?1, 'wanted') w JOIN "
		   "pragma_table_info(?1, 'main') m ON m.name = w.name WHERE m.type <> "
		   "w.type OR m.\"notnull\" > w.\"notnull\"",
		   "s", table) != 0 ||
	    db_number(db, 0,
		"SELECT count(*) FROM (SELECT \"from\", \"table\", on_delete, 'w' d FROM "
		"pragma_foreign_key_list(?1, 'wanted') UNION SELECT \"from\", \"table\", "
		"on_delete, 'm' FROM pragma_foreign_key_list(?1, 'main')) GROUP BY "
		"\"from\", \"table\", on_delete HAVING count(*) = 1",
		"s", table) != 0 ||
	    db_number(db, 0,
		"SELECT (SELECT count(*) FROM pragma_index_list(?1, 'wanted') WHERE "
		"origin = 'u') - (SELECT count(*) FROM pragma_index_list(?1, 'main') "
		"WHERE origin = 'u')",
		"s", table) != 0;
}

/* With a table go its indexes and triggers; a trigger names it as its author wrote it. */
static int
keep_others(struct plan *p, struct db *db, const char *table, struct err *err)
{
	char *sql = xasprintf(
	    "SELECT type || ' ' || name, sql FROM main.sqlite_master WHERE tbl_name = "
	    "?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL AND "
	    "name NOT IN "
	    "(SELECT name FROM wanted.sqlite_master UNION ALL VALUES (%s)) ORDER BY name",
	    former);
	sqlite3_stmt *stmt = db_query(db, err, sql, "s", table);
	int step = stmt != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		strv_add(&p->kept, db_column_text(stmt, 0).p);
		strv_add(&p->kept_sql, db_column_text(stmt, 1).p);
	}
	free(sql);
	return step;
}

/* The columns that both have; those that may not be null any more get their default, and text that is a number now was
 * a time (tables_is_moment), 2026-11-29T22:34:41.317454Z. The ids that were given out
 * are not given out again, so sqlite_sequence is kept. */
static int
plan_rebuild(
    struct plan *p, struct db *db, const char *table, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT group_concat('\"' || l.name || '\"', ', '), group_concat(CASE WHEN "
	    "l.type = 'INTEGER' AND m.type = 'TEXT' THEN 'CAST(strftime(''%s'', "
	    "substr(\"' "
	    "|| l.name || '\", 1, 19)) AS INTEGER) * 1000000 + CAST(substr(\"' || l.name "
	    "|| "
	    "'\", 21, 6) AS INTEGER)' WHEN l.\"notnull\" AND l.dflt_value IS NOT NULL "
	    "THEN 'coalesce(\"' || l.name || "
	    "'\", ' || l.dflt_value || ')' ELSE '\"' || l.name || '\"' END, ', ') FROM "
	    "pragma_table_info(?1, 'loose') l JOIN pragma_table_info(?1, 'main') m ON "
	    "m.name = l.name",
	    "s", table);
	char *told;

	if (stmt == NULL || db_step(db, stmt, err) != 1 || keep_others(p, db, table, err))
		return -1;
	told = xasprintf(_("rebuilds %s"), table);
	add(p, told, "ALTER TABLE main.\"%s\" RENAME TO \"%s~old\"", table, table);
	add(p, "", "%s", sql);
	add(p, "", "INSERT INTO main.\"%s\" (%s) SELECT %s FROM main.\"%s~old\"", table,
	    db_column_text(stmt, 0).p, db_column_text(stmt, 1).p, table);
	add(p, "", "DELETE FROM main.sqlite_sequence WHERE name = '%s'", table);
	add(p, "",
	    "INSERT INTO main.sqlite_sequence SELECT '%s', seq FROM main.sqlite_sequence "
	    "WHERE name = '%s~old'",
	    table, table);
	add(p, "", "DROP TABLE main.\"%s~old\"", table);
	sqlite3_reset(stmt);
	free(told);
	return 0;
}

static int
plan_columns(struct plan *p, struct db *db, const char *table, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT l.name, l.type, CASE WHEN l.\"notnull\" THEN ' NOT NULL' ELSE '' END "
	    "|| coalesce(' DEFAULT ' || l.dflt_value, '') FROM pragma_table_info(?1, "
	    "'loose') l WHERE NOT EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main') m "
	    "WHERE m.name = l.name)",
	    "s", table);
	int step = stmt != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		char *told = xasprintf(_("adds %s.%s"), table, db_column_text(stmt, 0).p);

		add(p, told, "ALTER TABLE main.\"%s\" ADD COLUMN \"%s\" %s%s", table,
		    db_column_text(stmt, 0).p, db_column_text(stmt, 1).p,
		    db_column_text(stmt, 2).p);
		free(told);
	}
	return step;
}

static int
plan_table(
    struct plan *p, struct db *db, const char *name, const char *sql, struct err *err)
{
	char *told;

	if (db_number(db, 0,
		"SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND name = "
		"?1",
		"s", name) != 0)
		return needs_rebuild(db, name) ? plan_rebuild(p, db, name, sql, err)
					       : plan_columns(p, db, name, err);
	told = xasprintf(_("makes the table %s"), name);
	add(p, told, "%s", sql);
	free(told);
	return 0;
}

static int
make_plan(struct plan *p, struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err,
	    "SELECT name, sql FROM loose.sqlite_master WHERE type = 'table' AND name NOT "
	    "LIKE 'sqlite%' ORDER BY name",
	    "");
	int step = stmt != NULL ? 1 : -1;

	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		if (plan_table(
			p, db, db_column_text(stmt, 0).p, db_column_text(stmt, 1).p, err))
			step = -1;
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return step;
}

/* FILE.before-20261129T224018.123456Z: a colon in a name is another machine's to scp; two upgrades in one second are two
 * copies. */
static void
put_copy_name(struct buf *out, const char *path)
{
	struct buf now = {0};
	const char *p;

	buf_printf(out, "%s.before-", path);
	buf_time(&now, clock_wall_us());
	for (p = buf_str(&now); *p != '\0'; p++) {
		if (*p != '-' && *p != ':')
			buf_putc(out, *p);
	}
	buf_release(&now);
}

/* Another connection reads what is committed: as it was. */
static int
keep_copy(struct db *db, struct buf *to, struct err *err)
{
	put_copy_name(to, db_path(db));
	if (backup_make(db_path(db), buf_str(to), err)) {
		buf_clear(to);
		return -1;
	}
	log_warn(_("'%s' is of an older iotapi; as it was it is kept in '%s'"),
	    db_path(db), buf_str(to));
	return 0;
}

static int
check_references(struct db *db, struct err *err)
{
	sqlite3_stmt *stmt = db_query(db, err, "PRAGMA main.foreign_key_check", "");
	int step = stmt != NULL ? db_step(db, stmt, err) : -1;

	if (step == 1) {
		step = err_set(err, ERR_USAGE,
		    _("it cannot be brought up to date: row %lld of %s refers to a row "
		      "of %s that is not there"),
		    (long long)sqlite3_column_int64(stmt, 1), db_column_text(stmt, 0).p,
		    db_column_text(stmt, 2).p);
		sqlite3_reset(stmt);
	}
	return step;
}

/* What SQLite takes no more is no reason not to serve; a full disk is. */
static int
make_kept(const struct plan *p, struct db *db, struct err *err)
{
	size_t i;

	for (i = 0; i < p->kept.n; i++) {
		struct err why = {0};

		if (db_run(db, &why, p->kept_sql.v[i], "") == 0) {
			log_warn(_("'%s': keeps the %s"), db_path(db), p->kept.v[i]);
			continue;
		}
		if (why.code == ERR_OUTPUT) {
			*err = why;
			return -1;
		}
		db_forgive(db);
		log_warn(_("'%s': loses the %s, which is in the copy: %s"), db_path(db),
		    p->kept.v[i], why.text);
	}
	return 0;
}

static int
follow(const struct plan *p, struct db *db, struct err *err)
{
	struct buf copy = {0};
	int failed = keep_copy(db, &copy, err);
	size_t i;

	for (i = 0; i < p->sql.n && !failed; i++) {
		if (p->told.v[i][0] != '\0')
			log_warn("'%s': %s", db_path(db), p->told.v[i]);
		failed = db_run(db, err, p->sql.v[i], "");
	}
	failed = failed || make_kept(p, db, err) || check_references(db, err);
	/* The database is as it was: who starts it again and again would fill the disk with copies. */
	if (failed && copy.n != 0)
		unlink(buf_str(&copy));
	buf_release(&copy);
	return failed ? -1 : 0;
}

int
upgrade_run(struct db *db, struct err *err)
{
	struct plan p = {0};
	int failed = refuse_unknown(db, err) || make_plan(&p, db, err) ||
	    (p.sql.n != 0 && follow(&p, db, err));

	strv_release(&p.sql);
	strv_release(&p.told);
	strv_release(&p.kept);
	strv_release(&p.kept_sql);
	return failed ? -1 : 0;
}
