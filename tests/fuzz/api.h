/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database of iotapi for fuzz targets, with nothing in it that would not be there at the next input again. */
#ifndef FUZZ_API_H
#define FUZZ_API_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iotapi/app.h"
#include "iotapi/db/db.h"
#include "iotapi/db/tables.h"

static char api_dir[] = "/tmp/iot-fuzz.XXXXXX";
static struct db *api_db;
/* Of which a request asks what others hold. */
static struct app api_app;

static inline void
api_require(bool law, const char *what)
{
	if (law)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static inline void
api_remove(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[64];
	size_t i;

	db_close(api_db);
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/db%s", api_dir, ends[i]);
		unlink(path);
	}
	rmdir(api_dir);
}

/* Made at the first input, removed at the end. */
static inline struct db *
api_database(void)
{
	struct err err = {0};
	char path[64];

	if (api_db != NULL)
		return api_db;
	api_require(mkdtemp(api_dir) != NULL, "no directory");
	snprintf(path, sizeof(path), "%s/db", api_dir);
	api_require(db_open(&api_db, path, true, &err) == 0 && tables_make(api_db, &err) == 0, err.text);
	atexit(api_remove);
	return api_db;
}

/* A resource that iotapi serves, chosen by a byte of the input. */
static inline const struct schema_resource *
api_resource(uint8_t choice)
{
	const struct schema_resource *r;
	size_t n = 0;

	for (r = schema; r->name != NULL; r++)
		n += !r->optional;
	n = choice % n;
	for (r = schema; r->optional || n-- > 0; r++)
		;
	return r;
}

#endif
