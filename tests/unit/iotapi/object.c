/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether iotapi can answer with each resource: a derived field that nothing makes is a column that no table has. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "iotapi/api/object.h"
#include "iotapi/db/tables.h"

static void
every_field_of_an_answer_is_made(void **state)
{
	char dir[] = "/tmp/iot-object.XXXXXX";
	char *path, *remove;
	const struct schema_resource *r;
	struct db *db;
	struct buf out = {0};
	struct err err = {0};
	int detail;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/iotapi.db", dir);
	remove = xasprintf("rm -r %s", dir);
	assert_int_equal(db_open(&db, path, true, &err), 0);
	assert_int_equal(tables_make(db, &err), 0);
	for (r = schema; r->name != NULL; r++) {
		for (detail = 0; detail < 2 && !r->optional; detail++) {
			if (object_get(&out, db, r, 1, detail, &err) != 0)
				print_message("# %s: %s\n", r->name, err.text);
			assert_int_equal(err.code, ERR_OK);
		}
	}
	db_close(db);
	buf_release(&out);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_of_an_answer_is_made),
	};

	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
