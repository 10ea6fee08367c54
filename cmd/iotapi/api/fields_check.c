/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold before a row is written: references, unique values, rules between fields; and what
 * becomes of secrets. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "iotapi/api/fields.h"
#include "iotapi/api/password.h"
#include "iotapi/api/secretbox.h"
#include "iotapi/db/rows.h"
#include "iotapi/db/tables.h"

/* Which secrets are kept in which form: hashed for who checks them, sealed for who uses them. */
static const struct secret {
	const char *resource, *field;
	bool hashed, sealed;
} secrets[] = {
    {"credential", "password", true, false},
    {"credential", "client_key", false, true},
    {"broker", "password", true, true},
};

static void
set_null(json_t *values, const struct secret *s, const char *form)
{
	char *name = xasprintf("%s_%s", s->field, form);

	json_object_set_new(values, name, json_null());
	free(name);
}

static int
set_text(json_t *values, const struct secret *s, const char *form, char *text)
{
	char *name = xasprintf("%s_%s", s->field, form);

	json_object_set_new(values, name, json_string(text));
	free(name);
	free(text);
	return 0;
}

/* The user name that goes with the secret: the new one, else the stored one. Free; may be NULL. */
static char *
login_name(
    struct db *db, const struct schema_resource *r, int64_t id, const json_t *values)
{
	const char *name = json_string_value(json_object_get(values, "username"));
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	char *stored = NULL;

	if (name != NULL)
		return xstrdup(name);
	buf_puts(&sql, "SELECT coalesce(username, '') FROM ");
	tables_name(&sql, r);
	buf_puts(&sql, " WHERE id = ?1");
	stmt = db_query(db, NULL, buf_str(&sql), "i", id);
	buf_release(&sql);
	if (stmt != NULL && db_step(db, stmt, NULL) == 1)
		stored = xstrdup(db_column_text(stmt, 0).p);
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return stored;
}

/* Who shares a user name and its password shares the hash, so that the export can tell them from
 * those who share the name only. Free; NULL: nobody does. */
static char *
shared_hash(struct db *db, const char *username, const char *password)
{
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT password_hash FROM credential WHERE username = ?1 UNION SELECT "
	    "password_hash FROM broker WHERE username = ?1 LIMIT 4",
	    "s", username);
	char *found = NULL;

	while (stmt != NULL && found == NULL && db_step(db, stmt, NULL) == 1) {
		const char *hash = db_column_text(stmt, 0).p;

		if (hash != NULL && password_device_matches(password, hash))
			found = xstrdup(hash);
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return found;
}

static char *
make_hash(struct app *app, struct db *db, const struct schema_resource *r, int64_t id,
    const json_t *values, const char *password, struct err *err)
{
	char *name = login_name(db, r, id, values);
	char *hash = name != NULL ? shared_hash(db, name, password) : NULL;

	free(name);
	return hash != NULL ? hash : password_device(password, app->hash_rounds, err);
}

static int
protect(struct app *app, struct db *db, const struct secret *s, int64_t id,
    json_t *values, struct err *err)
{
	char label[64];
	const char *clear = json_string_value(json_object_get(values, s->field));
	char *text;

	if (clear == NULL || clear[0] == '\0') {
		set_null(values, s, "hash");
		set_null(values, s, "sealed");
		return 0;
	}
	if (s->hashed) {
		text =
		    make_hash(app, db, schema_find(s->resource), id, values, clear, err);
		if (text == NULL || set_text(values, s, "hash", text))
			return -1;
	}
	if (s->sealed) {
		snprintf(label, sizeof(label), "%s.%s", s->resource, s->field);
		text = secretbox_put(app->seal, label, clear, err);
		if (text == NULL || set_text(values, s, "sealed", text))
			return -1;
	}
	return 0;
}

int
fields_protect(struct app *app, struct db *db, const struct schema_resource *r,
    int64_t id, json_t *values, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(secrets); i++) {
		const struct secret *s = &secrets[i];
		json_t *v = json_object_get(values, s->field);

		if (strcmp(s->resource, r->name) != 0 || v == NULL)
			continue;
		if (protect(app, db, s, id, values, err))
			return -1;
		/* jansson's own copy of the secret goes with the object: blank it first. */
		if (json_is_string(v))
			explicit_bzero(
			    (char *)json_string_value(v), json_string_length(v));
		json_object_del(values, s->field);
	}
	return 0;
}

static int
open_sealed(struct db *db, const struct secretbox *seal, const struct secret *s,
    struct sealed *out, struct err *err)
{
	char *label = xasprintf("%s.%s", s->resource, s->field), *secret;
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	int step;

	buf_printf(&sql, "SELECT t.\"%s_sealed\", t.id FROM ", s->field);
	tables_name(&sql, schema_find(s->resource));
	buf_printf(&sql, " t WHERE t.\"%s_sealed\" IS NOT NULL", s->field);
	stmt = db_query(db, err, buf_str(&sql), "");
	step = stmt != NULL ? 1 : -1;
	while (step == 1 && (step = db_step(db, stmt, err)) == 1) {
		out->n++;
		secret = seal != NULL
		    ? secretbox_get(seal, label, db_column_text(stmt, 0), NULL)
		    : NULL;
		if (secret == NULL && out->shut++ == 0)
			snprintf(out->first, sizeof(out->first), "%s of %lld", label,
			    (long long)sqlite3_column_int64(stmt, 1));
		mem_free_secret(secret);
	}
	buf_release(&sql);
	free(label);
	return step;
}

int
fields_sealed(
    struct db *db, const struct secretbox *seal, struct sealed *out, struct err *err)
{
	int failed = 0;
	size_t i;

	*out = (struct sealed){0};
	for (i = 0; i < ARRAY_LEN(secrets) && !failed; i++) {
		if (secrets[i].sealed)
			failed = open_sealed(db, seal, &secrets[i], out, err);
	}
	return failed;
}

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

static const struct rule {
	const char *resource;
	void (*check)(
	    struct db *db, int64_t id, const json_t *values, struct field_errs *errs);
} rules[] = {
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
