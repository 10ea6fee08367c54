/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/contains.h"

/* SQLite's own steps between two looks at the clock: microseconds, unless the texts they compare are long. Of what
 * is remembered each connection has as much. */
enum {
	CACHE_SIZE = 128,
	BUSY_MS = 5000,
	STEPS = 1000,
	MEMORY = 16,
	MEMORY_VALUE = 64 << 10
};

struct db {
	sqlite3 *handle;
	char *path;
	int64_t jobs;
	bool begun;         /* between db_begin and its end */
	struct err failure; /* the first since db_forgive */
	int64_t deadline;   /* clock_ms; 0: none */
	struct {
		const char *from; /* where the text was when it was prepared */
		char *sql;
		sqlite3_stmt *stmt;
	} cache[CACHE_SIZE];
	size_t cached;
	struct {
		int64_t others,
		    own; /* commits of other connections, changes of this one */
		struct {
			struct buf key, value;
		} v[MEMORY];
		size_t next; /* to be replaced */
	} memory;
};

/* The table behind a word of a statement, outside of its subqueries; n 0: the statement has no such word. */
static struct span
table_behind(const char *sql, const char *word)
{
	size_t length = strlen(word), depth = 0;
	const char *p;

	for (p = sql; *p != '\0'; p++) {
		depth += *p == '(';
		depth -= *p == ')';
		if (depth != 0 || (p > sql && p[-1] != ' ') ||
		    strncmp(p, word, length) != 0)
			continue;
		p += length;
		p += *p == '"';
		return (struct span){p, strcspn(p, "\" ,(")};
	}
	return (struct span){0};
}

/* What a statement does, in words, and to which table: "reading device". The statement itself is nobody's business. */
static void
put_summary(struct buf *out, const char *sql)
{
	static const struct {
		const char *begin, *words, *table; /* NULL: there is none */
	} kinds[] = {
	    {"SELECT ", "reading ", "FROM "},
	    {"INSERT ", "adding to ", "INTO "},
	    {"UPDATE ", "changing ", "UPDATE "},
	    {"DELETE ", "deleting from ", "FROM "},
	    {"BEGIN", "beginning a transaction", NULL},
	    {"COMMIT", "committing", NULL},
	    {"SAVEPOINT", "beginning a change", NULL},
	    {"RELEASE", "ending a change", NULL},
	    {"ROLLBACK", "undoing a change", NULL},
	    {"PRAGMA", "its settings", NULL},
	    {"", "its tables", NULL},
	};
	size_t i = 0;

	while (strncmp(sql, kinds[i].begin, strlen(kinds[i].begin)) != 0)
		i++;
	buf_puts(out, kinds[i].words);
	if (kinds[i].table != NULL)
		buf_span(out, table_behind(sql, kinds[i].table));
}

/* A quota and a limit on the size of files are a full disk, too. */
static bool
is_full(sqlite3 *handle)
{
	const int code = sqlite3_errcode(handle), why = sqlite3_system_errno(handle);

	return code == SQLITE_FULL ||
	    (code == SQLITE_IOERR && (why == ENOSPC || why == EDQUOT || why == EFBIG));
}

static enum err_code
code_of(sqlite3 *handle)
{
	if (is_full(handle))
		return ERR_OUTPUT;
	return sqlite3_errcode(handle) == SQLITE_INTERRUPT ? ERR_TIMEOUT : ERR_FAILED;
}

static int
complain(struct db *db, struct err *err, const char *sql)
{
	struct buf summary = {0};
	struct err why = {0};

	put_summary(&summary, sql);
	err_set(&why, code_of(db->handle), _("database: %s: %s"), buf_str(&summary),
	    sqlite3_errmsg(db->handle));
	buf_release(&summary);
	if (db->failure.code == ERR_OK)
		db->failure = why;
	if (err != NULL)
		*err = why;
	return -1;
}

int
db_failed(const struct db *db, struct err *err)
{
	if (db->failure.code == ERR_OK)
		return 0;
	*err = db->failure;
	return -1;
}

static int
is_late(void *arg)
{
	const struct db *db = arg;

	return db->deadline != 0 && clock_ms() >= db->deadline;
}

void
db_set_deadline(struct db *db, int64_t at)
{
	sqlite3_progress_handler(db->handle, at != 0 ? STEPS : 0, is_late, db);
	db->deadline = at;
}

void
db_forgive(struct db *db)
{
	db->failure = (struct err){0};
}

/* One that is there already may be open to others, as may what SQLite made beside it while it was. */
static int
close_to_others(const char *path, struct err *err)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	struct stat st;
	int failed = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ends) && !failed; i++) {
		char *name = xasprintf("%s%s", path, ends[i]);

		if (stat(name, &st) == 0 && (st.st_mode & 077) != 0 &&
		    chmod(name, st.st_mode & 0700) != 0)
			failed = err_sys(err, ERR_USAGE,
			    _("'%s' is open to others (mode %03o) and cannot be closed"),
			    name, (unsigned)(st.st_mode & 0777));
		free(name);
	}
	return failed;
}

/* SQLite makes its file with the umask's mode: made first, it and its WAL stay private. */
static int
make_private(const char *path, struct err *err)
{
	char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	int failed = 0;
	int fd;

	if (slash != NULL && slash != dir) {
		*slash = '\0';
		failed = file_make_dir(dir, err);
	}
	free(dir);
	if (failed)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, ERR_USAGE, _("cannot open database '%s'"), path);
	close(fd);
	return close_to_others(path, err);
}

/* Nobody asks how much memory SQLite has; counting it is a lock that all threads would share. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int
db_open(struct db **out, const char *path, bool write, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct db *db;
	int failed;

	*out = NULL;
	pthread_once(&once, configure);
	if (write && make_private(path, err))
		return -1;
	db = xcalloc(1, sizeof(*db));
	db->path = xstrdup(path);
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		err_set(err, ERR_USAGE, _("cannot open database '%s': %s"), path,
		    sqlite3_errmsg(db->handle));
		db_close(db);
		return -1;
	}
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* The file keeps the mode of its journal, which is the writer's to choose. */
	if (contains_add(db->handle) != SQLITE_OK)
		failed = complain(db, err, "");
	else if (write)
		failed = db_run(db, err, "PRAGMA journal_mode=WAL", "") ||
		    db_run(db, err, "PRAGMA synchronous=FULL", "") ||
		    db_run(db, err, "PRAGMA cache_size=-8192", "") ||
		    db_run(db, err, "PRAGMA foreign_keys=ON", "");
	else
		failed = db_run(db, err, "PRAGMA query_only=ON", "") ||
		    db_run(db, err, "PRAGMA cache_size=-1024", "");
	if (failed) {
		err_in(err, "'%s'", path);
		db_close(db);
		return -1;
	}
	*out = db;
	return 0;
}

void
db_close(struct db *db)
{
	size_t i;

	if (db == NULL)
		return;
	for (i = 0; i < db->cached; i++) {
		sqlite3_finalize(db->cache[i].stmt);
		free(db->cache[i].sql);
	}
	sqlite3_close(db->handle);
	for (i = 0; i < MEMORY; i++) {
		buf_release(&db->memory.v[i].key);
		buf_release(&db->memory.v[i].value);
	}
	free(db->path);
	free(db);
}

const char *
db_path(const struct db *db)
{
	return db->path;
}

/* But for those that are being read: a list, while what belongs to its rows is asked for. */
static void
forget_free(struct db *db)
{
	size_t i, kept = 0;

	for (i = 0; i < db->cached; i++) {
		if (sqlite3_stmt_busy(db->cache[i].stmt)) {
			db->cache[kept++] = db->cache[i];
			continue;
		}
		sqlite3_finalize(db->cache[i].stmt);
		free(db->cache[i].sql);
	}
	db->cached = kept;
}

/* One that was prepared before and is free. Most are constant texts, which are found by where they stand; the
 * others are compared. */
static sqlite3_stmt *
find_prepared(struct db *db, const char *sql)
{
	size_t i, n;

	for (n = 0; n < 2; n++) {
		for (i = 0; i < db->cached; i++) {
			if ((n > 0 || db->cache[i].from == sql) &&
			    strcmp(db->cache[i].sql, sql) == 0 &&
			    !sqlite3_stmt_busy(db->cache[i].stmt))
				return db->cache[i].stmt;
		}
	}
	return NULL;
}

/* Statements in use while a list of others is made stay few. */
static sqlite3_stmt *
prepared(struct db *db, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = find_prepared(db, sql);

	if (stmt != NULL) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
		return stmt;
	}
	if (db->cached == CACHE_SIZE)
		forget_free(db);
	if (db->cached == CACHE_SIZE) {
		err_set(err, ERR_FAILED, _("database: too many statements at once"));
		return NULL;
	}
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt,
		NULL) != SQLITE_OK) {
		complain(db, err, sql);
		return NULL;
	}
	db->cache[db->cached].from = sql;
	db->cache[db->cached].sql = xstrdup(sql);
	db->cache[db->cached++].stmt = stmt;
	return stmt;
}

/* `keep` is what SQLite does with texts: SQLITE_TRANSIENT copies them, SQLITE_STATIC is for those that outlive the
 * steps. */
static void
bind(sqlite3_stmt *stmt, const char *types, sqlite3_destructor_type keep, va_list ap)
{
	struct span s;
	int i;

	for (i = 1; *types != '\0'; i++, types++) {
		switch (*types) {
		case 'i': sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t)); break;
		case 'd': sqlite3_bind_double(stmt, i, va_arg(ap, double)); break;
		case 's':
			sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, keep);
			break;
		case 't':
			s = va_arg(ap, struct span);
			sqlite3_bind_text(stmt, i, s.p, (int)s.n, keep);
			break;
		case 'b':
			s = va_arg(ap, struct span);
			sqlite3_bind_blob(stmt, i, s.p, (int)s.n, keep);
			break;
		default: sqlite3_bind_null(stmt, i);
		}
	}
}

static sqlite3_stmt *
query_v(struct db *db, struct err *err, const char *sql, const char *types,
    sqlite3_destructor_type keep, va_list ap)
{
	sqlite3_stmt *stmt = prepared(db, sql, err);

	if (stmt != NULL)
		bind(stmt, types, keep, ap);
	return stmt;
}

sqlite3_stmt *
db_query(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = query_v(db, err, sql, types, SQLITE_TRANSIENT, ap);
	va_end(ap);
	return stmt;
}

/* A statement whose transaction is gone would be one of its own. */
static int
refuse_alone(struct db *db, struct err *err)
{
	if (db->failure.code == ERR_OK)
		err_set(&db->failure, ERR_FAILED,
		    _("database: the transaction was ended by a failure"));
	if (err != NULL)
		*err = db->failure;
	return -1;
}

int
db_step(struct db *db, sqlite3_stmt *stmt, struct err *err)
{
	if (db->begun && sqlite3_get_autocommit(db->handle))
		return refuse_alone(db, err);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW: return 1;
	case SQLITE_DONE: sqlite3_reset(stmt); return 0;
	default:
		complain(db, err, sqlite3_sql(stmt));
		sqlite3_reset(stmt);
		return -1;
	}
}

int
db_run(struct db *db, struct err *err, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	int step = -1;
	va_list ap;

	va_start(ap, types);
	stmt = query_v(db, err, sql, types, SQLITE_STATIC, ap);
	va_end(ap);
	if (stmt != NULL) {
		while ((step = db_step(db, stmt, err)) == 1)
			;
	}
	return step;
}

int
db_begin(struct db *db, struct err *err)
{
	const int failed = db_run(db, err, "BEGIN IMMEDIATE", "");

	db->begun = !failed;
	return failed;
}

int
db_commit(struct db *db, struct err *err)
{
	const int failed = db_run(db, err, "COMMIT", "");

	if (failed)
		db_rollback(db);
	db->begun = false;
	return failed;
}

void
db_rollback(struct db *db)
{
	db->jobs++;
	db->begun = false;
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, NULL, "ROLLBACK", "");
}

int64_t
db_number(struct db *db, int64_t missing, const char *sql, const char *types, ...)
{
	int64_t result = missing;
	sqlite3_stmt *stmt;
	va_list ap;

	va_start(ap, types);
	stmt = query_v(db, NULL, sql, types, SQLITE_STATIC, ap);
	va_end(ap);
	if (stmt == NULL)
		return missing;
	if (db_step(db, stmt, NULL) == 1) {
		if (!db_is_null(stmt, 0))
			result = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
	}
	return result;
}

bool
db_recall(struct db *db, struct span key, struct span *value)
{
	const int64_t others = db_number(db, -1, "PRAGMA data_version", "");
	const int64_t own = sqlite3_total_changes(db->handle);
	const bool changed =
	    others < 0 || others != db->memory.others || own != db->memory.own;
	size_t i;

	db->memory.others = others;
	db->memory.own = own;
	for (i = 0; i < MEMORY; i++) {
		if (changed)
			buf_clear(&db->memory.v[i].key);
		else if (key.n != 0 && span_eq(key, buf_as_span(&db->memory.v[i].key))) {
			*value = buf_as_span(&db->memory.v[i].value);
			return true;
		}
	}
	return false;
}

void
db_remember(struct db *db, struct span key, struct span value)
{
	size_t i;

	if (value.n > MEMORY_VALUE)
		return;
	i = db->memory.next++ % MEMORY;
	buf_clear(&db->memory.v[i].key);
	buf_clear(&db->memory.v[i].value);
	buf_span(&db->memory.v[i].key, key);
	buf_span(&db->memory.v[i].value, value);
}

void
db_note_job(struct db *db)
{
	db->jobs++;
}

int64_t
db_jobs(const struct db *db)
{
	return db->jobs;
}

int64_t
db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int
db_changes(struct db *db)
{
	return sqlite3_changes(db->handle);
}

struct span
db_column_text(sqlite3_stmt *stmt, int column)
{
	const char *p = (const char *)sqlite3_column_text(stmt, column);

	return (struct span){
	    p, p != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

struct span
db_column_blob(sqlite3_stmt *stmt, int column)
{
	const char *p = sqlite3_column_blob(stmt, column);

	return (struct span){
	    p, p != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

bool
db_is_null(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL;
}
