/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/device_cache.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { DEVICES_MOST = 16384 };

struct device_cache {
	struct known_device **v;
	size_t n, room;
	struct hash_table names; /* indexes of v */
	int64_t jobs, others;    /* db_jobs and data_version when it was good */
};

struct device_cache *
device_cache_new(void)
{
	return xcalloc(1, sizeof(struct device_cache));
}

static void
free_device(struct known_device *d)
{
	while (d->n > 0)
		free(d->sensors[--d->n].suffix);
	free(d->sensors);
	free(d->name);
	free(d);
}

static void
forget_all(struct device_cache *c)
{
	while (c->n > 0)
		free_device(c->v[--c->n]);
	hash_table_release(&c->names);
	c->names = (struct hash_table){0};
}

void
device_cache_free(struct device_cache *c)
{
	if (c == NULL)
		return;
	forget_all(c);
	free(c->v);
	free(c);
}

/* A batch is a job of the writer itself: between two that follow each other there is none. */
void
device_cache_begin(struct device_cache *c, struct db *db)
{
	const int64_t jobs = db_jobs(db);
	const int64_t others = db_number(db, -1, "PRAGMA data_version", "");

	if (jobs > c->jobs + 1 || others < 0 || others != c->others)
		forget_all(c);
	c->jobs = jobs;
	c->others = others;
}

static int64_t
find_id(struct db *db, struct span id)
{
	int64_t found = db_number(db, 0,
	    "SELECT id FROM device WHERE identificador_unico = ?1 AND mqtt_enabled", "t",
	    id);

	return found != 0 ? found
			  : db_number(db, 0,
				"SELECT id FROM device WHERE mqtt_client_id = ?1 AND "
				"mqtt_enabled",
				"t", id);
}

static void
read_sensors(struct known_device *d, struct db *db)
{
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT s.id, s.rango_min, s.rango_max, s.mqtt_topic_suffix FROM assignment "
	    "a JOIN sensor s ON s.id = a.sensor WHERE a.dispositivo = ?1 AND a.activo "
	    "AND "
	    "s.mqtt_topic_suffix IS NOT NULL ORDER BY s.id",
	    "i", d->id);

	while (stmt != NULL && db_step(db, stmt, NULL) == 1) {
		d->sensors = xreallocarray(d->sensors, d->n + 1, sizeof(*d->sensors));
		d->sensors[d->n++] =
		    (struct known_sensor){.suffix = xstrdup(db_column_text(stmt, 3).p),
			.id = sqlite3_column_int64(stmt, 0),
			.min = sqlite3_column_double(stmt, 1),
			.max = sqlite3_column_double(stmt, 2)};
	}
}

static const struct known_device *
read_device(struct device_cache *c, struct db *db, struct span id, uint64_t hash)
{
	const int64_t found = find_id(db, id);
	struct known_device *d;
	struct err err;

	if (found == 0)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->id = found;
	d->name = xstrndup(id.p, id.n);
	read_sensors(d, db);
	if (db_failed(db, &err)) {
		free_device(d);
		return NULL;
	}
	if (c->n == DEVICES_MOST)
		forget_all(c);
	if (c->n == c->room) {
		c->room = c->room * 2 + 64;
		c->v = xreallocarray(c->v, c->room, sizeof(struct known_device *));
	}
	hash_table_add(&c->names, hash, c->n);
	c->v[c->n++] = d;
	return d;
}

const struct known_device *
device_cache_find(struct device_cache *c, struct db *db, struct span id)
{
	const uint64_t hash = hash_of(id);
	struct hash_search s = hash_find(&c->names, hash);
	size_t i;

	while (hash_next(&s, &i)) {
		if (span_is(id, c->v[i]->name))
			return c->v[i];
	}
	return read_device(c, db, id, hash);
}
