/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which device and which sensor a reading line means. */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/view.h"
#include "iotctl/verbs/import.h"

/* Lines of more devices than this are of so large a part of most fleets that all are asked for. */
enum { ASK_MOST = 200 };

/* A device's names in topics; the first one goes before the other. */
static const char *const keys[] = {"identificador_unico", "mqtt_client_id"};

void
import_close(struct import_catalog *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->v[i].device);
		free(k->v[i].sensor);
		free(k->v[i].why);
	}
	free(k->v);
	hash_table_release(&k->pairs);
	hash_table_release(&k->ids);
	objects_release(&k->devices);
}

static void
add_ids(struct import_catalog *k, size_t i)
{
	size_t n;

	for (n = 0; n < ARRAY_LEN(keys); n++) {
		char *id = view_text_of(buf_as_span(&k->devices.v[i]), keys[n]);

		if (id[0] != '\0')
			hash_table_add(&k->ids, hash_of(span_of(id)), i);
		free(id);
	}
}

static struct span
known_device(const struct import_catalog *k, const char *id)
{
	size_t n, i;

	for (n = 0; n < ARRAY_LEN(keys); n++) {
		struct hash_search s = hash_find(&k->ids, hash_of(span_of(id)));

		while (hash_next(&s, &i)) {
			if (view_member_is(buf_as_span(&k->devices.v[i]), keys[n], id))
				return buf_as_span(&k->devices.v[i]);
		}
	}
	return (struct span){0};
}

static int
fetch_all(struct import_catalog *k, struct err *err)
{
	size_t i;

	hash_table_release(&k->ids);
	k->ids = (struct hash_table){0};
	objects_release(&k->devices);
	if (objects_fetch(k->ctl, "device", "", &k->devices, err))
		return -1;
	for (i = 0; i < k->devices.n; i++)
		add_ids(k, i);
	k->whole = true;
	return 0;
}

/* By the filter of the name, and by what else makes a server that has no such filter answer with less than all. */
static int
fetch_by(struct import_catalog *k, const char *key, const char *id, bool *ignored,
    struct err *err)
{
	struct buf filter = {0};
	struct objects found = {0};
	size_t i;
	int failed;

	if (key == keys[0]) {
		buf_puts(&filter, "&search=");
		rest_url_escape(&filter, span_of(id));
	}
	buf_printf(&filter, "&%s=", key);
	rest_url_escape(&filter, span_of(id));
	failed = objects_fetch(k->ctl, "device", buf_str(&filter), &found, err);
	for (i = 0; i < found.n && !failed; i++) {
		if (!view_member_is(buf_as_span(&found.v[i]), key, id)) {
			*ignored = true;
			continue;
		}
		objects_add(&k->devices, buf_as_span(&found.v[i]));
		add_ids(k, k->devices.n - 1);
	}
	objects_release(&found);
	buf_release(&filter);
	return failed;
}

/* Asks for one device's names, one after the other; for all devices where that is less work. */
static int
fetch(struct import_catalog *k, const char *id, struct err *err)
{
	bool ignored = false;

	if (k->asked++ >= ASK_MOST)
		return fetch_all(k, err);
	if (fetch_by(k, keys[0], id, &ignored, err))
		return -1;
	if (known_device(k, id).p != NULL)
		return 0;
	ignored = false;
	if (fetch_by(k, keys[1], id, &ignored, err))
		return -1;
	return ignored ? fetch_all(k, err) : 0;
}

static double
number_of(struct span object, const char *member, double otherwise)
{
	char *text = view_text_of(object, member);
	double d;

	if (!text_double(text, &d))
		d = otherwise;
	free(text);
	return d;
}

/* The assigned sensor with this suffix, else with this name. */
static bool
take_sensor(struct import_pair *p, struct span device)
{
	static const char *const names[] = {"mqtt_topic_suffix", "nombre"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		struct json_iter it = {0};
		struct span detail;

		if (!json_member(device, "sensores_asignados", &it.value))
			return false;
		while (json_next(&it)) {
			if (!json_member(it.item, "sensor_detail", &detail) ||
			    !view_member_is(detail, names[i], p->sensor))
				continue;
			p->sensor_id = lookup_id_of(detail);
			p->min = number_of(detail, "rango_min", -1e308);
			p->max = number_of(detail, "rango_max", 1e308);
			return true;
		}
	}
	return false;
}

static int
find_pair(struct import_catalog *k, struct import_pair *p, struct err *err)
{
	struct span device = known_device(k, p->device);

	if (device.p == NULL && !k->whole) {
		if (fetch(k, p->device, err))
			return -1;
		device = known_device(k, p->device);
	}
	if (device.p == NULL)
		p->why = xasprintf(_("no device '%s'"), p->device);
	else if (!take_sensor(p, device))
		p->why =
		    xasprintf(_("device '%s' has no sensor '%s'"), p->device, p->sensor);
	else
		p->device_id = lookup_id_of(device);
	return 0;
}

const struct import_pair *
import_pair(
    struct import_catalog *k, const char *device, const char *sensor, struct err *err)
{
	const uint64_t hash = hash_add_text(hash_add_text(HASH_START, device), sensor);
	struct hash_search s = hash_find(&k->pairs, hash);
	struct import_pair *p;
	size_t at;

	while (hash_next(&s, &at)) {
		p = &k->v[at];
		if (strcmp(p->device, device) == 0 && strcmp(p->sensor, sensor) == 0)
			return p;
	}
	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	p = &k->v[k->n++];
	*p = (struct import_pair){.device = xstrdup(device), .sensor = xstrdup(sensor)};
	if (find_pair(k, p, err))
		return NULL;
	hash_table_add(&k->pairs, hash, k->n - 1);
	return p;
}
