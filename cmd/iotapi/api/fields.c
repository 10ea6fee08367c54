/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/fields.h"

#include "base/text.h"
#include "model/field_errs.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/tables.h"

static void
check_ref(
    struct db *db, const struct schema_field *f, const json_t *v, struct field_errs *errs)
{
	if (json_is_integer(v) &&
	    !rows_exists(db, schema_find(f->ref), json_integer_value(v)))
		field_errs_add(errs, f->name,
		    "Invalid pk \"%lld\" - object does not exist.",
		    (long long)json_integer_value(v));
}

static void
check_refs(struct db *db, const struct schema_field *f, const json_t *list,
    struct field_errs *errs)
{
	size_t before = errs->n;
	size_t i;

	for (i = 0; i < json_array_size(list) && errs->n == before; i++)
		check_ref(db, f, json_array_get(list, i), errs);
}

static int
check_unique(struct db *db, const struct schema_resource *r, const struct schema_field *f,
    int64_t id, const json_t *v, struct field_errs *errs, struct err *err)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	int step;

	if (json_is_null(v))
		return 0;
	buf_puts(&sql, "SELECT 1 FROM ");
	tables_name(&sql, r);
	buf_printf(&sql, " WHERE \"%s\" = ?1 AND id <> ?2", f->name);
	stmt = db_query(db, err, buf_str(&sql), "ni", id);
	buf_release(&sql);
	if (stmt == NULL)
		return -1;
	rows_bind(stmt, 1, f, v);
	step = db_step(db, stmt, err);
	sqlite3_reset(stmt);
	if (step == 1)
		field_errs_add(
		    errs, f->name, "%s with this %s already exists.", r->name, f->name);
	return step < 0 ? -1 : 0;
}

/* The value a row will have: the new one, else the stored one. */
static double
number_after(
    struct db *db, int64_t id, const json_t *values, const char *name, const char *sql)
{
	const json_t *v = json_object_get(values, name);
	sqlite3_stmt *stmt;
	double d = 0;

	if (v != NULL)
		return json_number_value(v);
	stmt = db_query(db, NULL, sql, "i", id);
	if (stmt != NULL && db_step(db, stmt, NULL) == 1)
		d = sqlite3_column_double(stmt, 0);
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return d;
}

static void
check_sensor(struct db *db, int64_t id, const json_t *values, struct field_errs *errs)
{
	double min = number_after(
	    db, id, values, "rango_min", "SELECT rango_min FROM sensor WHERE id = ?1");
	double max = number_after(
	    db, id, values, "rango_max", "SELECT rango_max FROM sensor WHERE id = ?1");

	if (min >= max)
		field_errs_add(
		    errs, "non_field_errors", "rango_min must be less than rango_max.");
}

static void
check_reading(struct db *db, int64_t id, const json_t *values, struct field_errs *errs)
{
	double valor = json_number_value(json_object_get(values, "valor"));
	int64_t sensor = json_integer_value(json_object_get(values, "sensor"));
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT s.rango_min, s.rango_max FROM assignment a JOIN sensor s ON s.id = "
	    "a.sensor WHERE a.dispositivo = ?1 AND a.sensor = ?2",
	    "ii", (int64_t)json_integer_value(json_object_get(values, "dispositivo")),
	    sensor);
	char text[3][32];

	(void)id;
	if (stmt == NULL)
		return;
	if (db_step(db, stmt, NULL) != 1) {
		field_errs_add(errs, "non_field_errors",
		    "The sensor is not assigned to this device.");
	} else if (valor < sqlite3_column_double(stmt, 0) ||
	    valor > sqlite3_column_double(stmt, 1)) {
		text_from_double(text[0], valor);
		text_from_double(text[1], sqlite3_column_double(stmt, 0));
		text_from_double(text[2], sqlite3_column_double(stmt, 1));
		field_errs_add(errs, "non_field_errors",
		    "The value %s is outside the sensor's range (%s to %s).", text[0],
		    text[1], text[2]);
	}
	sqlite3_reset(stmt);
}

/* Whether the broker's row has another value; "" is none. */
static bool
differs(struct db *db, int64_t id, const char *column, const json_t *v)
{
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	bool is = true;

	buf_printf(&sql,
	    "SELECT coalesce(\"%s\", '') IS NOT coalesce(?1, '') FROM broker WHERE id = "
	    "?2",
	    column);
	stmt = db_query(db, NULL, buf_str(&sql), "ni", id);
	buf_release(&sql);
	if (stmt != NULL) {
		rows_bind(stmt, 1, NULL, v);
		is = db_step(db, stmt, NULL) != 1 || sqlite3_column_int(stmt, 0) != 0;
		sqlite3_reset(stmt);
	}
	return is;
}

/* A password that is kept sealed goes where the broker is: whoever could move it could read it there. `values` has
 * password_sealed where the password was sent, too. */
static void
check_broker(struct db *db, int64_t id, const json_t *values, struct field_errs *errs)
{
	const struct schema_field *f;

	if (id == 0 || json_object_get(values, "password_sealed") != NULL ||
	    db_number(db, 0,
		"SELECT password_sealed IS NOT NULL FROM broker WHERE id = ?1", "i",
		id) == 0)
		return;
	for (f = schema_find("broker")->fields; f->name != NULL; f++) {
		const json_t *v = json_object_get(values, f->name);

		if ((f->flags & SCHEMA_PLACE) != 0 && v != NULL &&
		    differs(db, id, f->name, v))
			field_errs_add(errs, f->name,
			    "The broker has a password: send it too when this changes.");
	}
}

/* A device with a broker's own login would be that broker's backend to it; mosquitto knows one password a name. */
static void
check_login(struct db *db, const json_t *values, const char *sql, const char *whose,
    struct field_errs *errs)
{
	const char *name = json_string_value(json_object_get(values, "username"));

	if (name != NULL && name[0] != '\0' && db_number(db, 0, sql, "s", name) == 1)
		field_errs_add(errs, "username", "This is the user name of %s.", whose);
}

static void
check_broker_login(
    struct db *db, int64_t id, const json_t *values, struct field_errs *errs)
{
	(void)id;
	check_login(db, values, "SELECT 1 FROM credential WHERE username = ?1 LIMIT 1",
	    "a device", errs);
}

static void
check_credential(struct db *db, int64_t id, const json_t *values, struct field_errs *errs)
{
	(void)id;
	check_login(db, values, "SELECT 1 FROM broker WHERE username = ?1 LIMIT 1",
	    "a broker itself", errs);
}

static const struct rule {
	const char *resource;
	void (*check)(
	    struct db *db, int64_t id, const json_t *values, struct field_errs *errs);
} rules[] = {
    {"broker", check_broker},
    {"broker", check_broker_login},
    {"credential", check_credential},
    {"sensor", check_sensor},
    {"reading", check_reading},
};

int
fields_check(struct db *db, const struct schema_resource *r, int64_t id,
    const json_t *values, struct field_errs *errs, struct err *err)
{
	const struct schema_field *f;
	size_t i;

	for (f = r->fields; f->name != NULL; f++) {
		const json_t *v = json_object_get(values, f->name);

		if (v == NULL)
			continue;
		if (f->type == SCHEMA_REF)
			check_ref(db, f, v, errs);
		if (f->type == SCHEMA_REFS)
			check_refs(db, f, v, errs);
		if ((f->flags & SCHEMA_UNIQUE) != 0 &&
		    check_unique(db, r, f, id, v, errs, err))
			return -1;
	}
	/* Rules between fields speak only once the fields themselves are good. */
	for (i = 0; i < ARRAY_LEN(rules) && errs->n == 0; i++) {
		if (strcmp(rules[i].resource, r->name) == 0)
			rules[i].check(db, id, values, errs);
	}
	return 0;
}
