/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/secrets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "access/device_password.h"
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

/* Frees `text`. */
static void
set_text(json_t *values, const struct secret *s, const char *form, char *text)
{
	char *name = xasprintf("%s_%s", s->field, form);

	json_object_set_new(values, name, json_string(text));
	free(name);
	free(text);
}

/* The object whose secrets are being protected. */
struct subject {
	const struct secretbox *box;
	int rounds;
	struct db *db;
	const struct schema_resource *r;
	int64_t id;
	json_t *values;
};

/* The user name that goes with the secret: the new one, else the stored one. Free; may be NULL. */
static char *
login_name(const struct subject *o)
{
	const char *name = json_string_value(json_object_get(o->values, "username"));
	struct buf sql = {0};
	sqlite3_stmt *stmt;
	char *stored = NULL;

	if (name != NULL)
		return xstrdup(name);
	buf_puts(&sql, "SELECT coalesce(username, '') FROM ");
	tables_name(&sql, o->r);
	buf_puts(&sql, " WHERE id = ?1");
	stmt = db_query(o->db, NULL, buf_str(&sql), "i", o->id);
	buf_release(&sql);
	if (stmt != NULL && db_step(o->db, stmt, NULL) == 1)
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

		if (hash != NULL && device_password_matches(password, hash))
			found = xstrdup(hash);
	}
	if (stmt != NULL)
		sqlite3_reset(stmt);
	return found;
}

static char *
make_hash(const struct subject *o, const char *password, struct err *err)
{
	char *name = login_name(o);
	char *hash = name != NULL ? shared_hash(o->db, name, password) : NULL;

	free(name);
	return hash != NULL ? hash : device_password_hash(password, o->rounds, err);
}

static int
protect(const struct subject *o, const struct secret *s, struct err *err)
{
	char label[64];
	const char *clear = json_string_value(json_object_get(o->values, s->field));
	char *text;

	if (clear == NULL || clear[0] == '\0') {
		set_null(o->values, s, "hash");
		set_null(o->values, s, "sealed");
		return 0;
	}
	if (s->hashed) {
		text = make_hash(o, clear, err);
		if (text == NULL)
			return -1;
		set_text(o->values, s, "hash", text);
	}
	if (s->sealed) {
		snprintf(label, sizeof(label), "%s.%s", s->resource, s->field);
		text = secretbox_put(o->box, label, clear, err);
		if (text == NULL)
			return -1;
		set_text(o->values, s, "sealed", text);
	}
	return 0;
}

int
secrets_protect(const struct secretbox *box, int rounds, struct db *db,
    const struct schema_resource *r, int64_t id, json_t *values, struct err *err)
{
	const struct subject o = {box, rounds, db, r, id, values};
	size_t i;

	for (i = 0; i < ARRAY_LEN(secrets); i++) {
		const struct secret *s = &secrets[i];
		json_t *v = json_object_get(values, s->field);

		if (strcmp(s->resource, r->name) != 0 || v == NULL)
			continue;
		if (protect(&o, s, err))
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
open_sealed(struct db *db, const struct secretbox *box, const struct secret *s,
    struct secrets_sealed *out, struct err *err)
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
		secret = box != NULL
		    ? secretbox_get(box, label, db_column_text(stmt, 0), NULL)
		    : NULL;
		if (secret == NULL && out->shut++ == 0)
			snprintf(out->first, sizeof(out->first), _("%s of %lld"), label,
			    (long long)sqlite3_column_int64(stmt, 1));
		mem_free_secret(secret);
	}
	buf_release(&sql);
	free(label);
	return step;
}

int
secrets_count_sealed(struct db *db, const struct secretbox *box,
    struct secrets_sealed *out, struct err *err)
{
	int failed = 0;
	size_t i;

	*out = (struct secrets_sealed){0};
	for (i = 0; i < ARRAY_LEN(secrets) && !failed; i++) {
		if (secrets[i].sealed)
			failed = open_sealed(db, box, &secrets[i], out, err);
	}
	return failed;
}
