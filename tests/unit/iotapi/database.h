/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_IOTAPI_DATABASE_H
#define TESTS_UNIT_IOTAPI_DATABASE_H

#include <stdlib.h>

#include "base/mem.h"
#include "iotapi/db/tables.h"
#include "unit.h"

/* A database with its tables and no rows, in a directory of its own. */
static struct db *db;
static char db_dir[32];

static inline void
database_run(const char *sql)
{
	struct err err = {0};

	if (db_run(db, &err, sql, ""))
		print_message("# %s\n", err.text);
	assert_int_equal(err.code, ERR_OK);
}

static inline void
database_open(void)
{
	struct err err = {0};
	char *path;

	snprintf(db_dir, sizeof(db_dir), "/tmp/iot-unit.XXXXXX");
	assert_non_null(mkdtemp(db_dir));
	path = xasprintf("%s/iotapi.db", db_dir);
	assert_int_equal(db_open(&db, path, true, &err), 0);
	free(path);
	assert_int_equal(tables_make(db, &err), 0);
}

static inline int
database_close(void **state)
{
	char *remove = xasprintf("rm -r %s", db_dir);

	(void)state;
	db_close(db);
	assert_int_equal(system(remove), 0);
	free(remove);
	return 0;
}

#endif
