/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table is consistent with itself. */
#include "unit.h"

#include <jansson.h>

#include "model/schema.h"

static void
names_lists_and_references_hold(void **state)
{
	const struct schema_resource *r;
	const struct schema_field *f;
	size_t i;

	(void)state;
	for (r = schema; r->name != NULL; r++) {
		for (i = 0; r->keys[i] != NULL; i++)
			assert_non_null(schema_field(r, r->keys[i]));
		for (i = 0; r->search[i] != NULL; i++)
			assert_non_null(schema_field(r, r->search[i]));
		for (i = 0; r->ordering[i] != NULL; i++)
			assert_non_null(schema_field(r, r->ordering[i]));
		for (i = 0; r->filters[i].name != NULL; i++)
			assert_true(r->filters[i].field == NULL ||
			    schema_field(r, r->filters[i].field) != NULL);
		for (f = r->fields; f->name != NULL; f++) {
			assert_ptr_equal(schema_field(r, f->name), f);
			if (f->ref != NULL)
				assert_non_null(schema_find(f->ref));
			if (f->alias != NULL)
				assert_ptr_equal(schema_field(r, f->alias), f);
		}
	}
}

static void
presets_are_json_and_among_the_choices(void **state)
{
	const struct schema_resource *r;
	const struct schema_field *f;

	(void)state;
	for (r = schema; r->name != NULL; r++) {
		for (f = r->fields; f->name != NULL; f++) {
			json_t *v;

			if (f->preset == NULL)
				continue;
			v = json_loads(f->preset, JSON_DECODE_ANY, NULL);
			assert_non_null(v);
			json_decref(v);
		}
	}
}

static void
names_are_found_in_both_languages(void **state)
{
	struct err err = {0};

	(void)state;
	assert_string_equal(schema_find("dispositivos")->name, "device");
	assert_string_equal(schema_find("brokers")->path, "/api/mqtt/brokers/");
	assert_string_equal(
	    schema_field(schema_find("sensor"), "unit")->name, "unidad_medida");
	assert_null(schema_need("brokr", &err));
	assert_string_equal(err.text, "unknown resource 'brokr'; did you mean 'broker'?");
	assert_null(schema_need_field(schema_find("broker"), "prot", &err));
	assert_string_equal(err.text, "broker has no field 'prot'; did you mean 'port'?");
	assert_int_equal(err.code, ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_lists_and_references_hold),
	    cmocka_unit_test(presets_are_json_and_among_the_choices),
	    cmocka_unit_test(names_are_found_in_both_languages),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
