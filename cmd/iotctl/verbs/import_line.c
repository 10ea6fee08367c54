/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One reading line into one reading of the API. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/verbs/import.h"

int
import_open(struct ctl *c, struct import_catalog *k, struct err *err)
{
	return objects_fetch(c, "device", "", &k->devices, err);
}

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
	objects_release(&k->devices);
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
take_sensor(struct known_pair *p, struct span device)
{
	static const char *const keys[] = {"mqtt_topic_suffix", "nombre"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_iter it = {0};
		struct span detail;

		if (!json_member(device, "sensores_asignados", &it.value))
			return false;
		while (json_next(&it)) {
			if (!json_member(it.item, "sensor_detail", &detail) ||
			    !view_member_is(detail, keys[i], p->sensor))
				continue;
			p->sensor_id = lookup_id_of(detail);
			p->min = number_of(detail, "rango_min", -1e308);
			p->max = number_of(detail, "rango_max", 1e308);
			return true;
		}
	}
	return false;
}

static void
find_pair(const struct import_catalog *k, struct known_pair *p)
{
	static const char *const keys[] = {"identificador_unico", "mqtt_client_id"};
	struct span device = {0};
	size_t i, n;

	for (n = 0; n < ARRAY_LEN(keys) && device.p == NULL; n++) {
		for (i = 0; i < k->devices.n; i++) {
			if (view_member_is(
				buf_as_span(&k->devices.v[i]), keys[n], p->device)) {
				device = buf_as_span(&k->devices.v[i]);
				break;
			}
		}
	}
	if (device.p == NULL)
		p->why = xasprintf(_("no device '%s'"), p->device);
	else if (!take_sensor(p, device))
		p->why =
		    xasprintf(_("device '%s' has no sensor '%s'"), p->device, p->sensor);
	else
		p->device_id = lookup_id_of(device);
}

static const struct known_pair *
pair_of(struct import_catalog *k, const char *device, const char *sensor)
{
	const uint64_t hash = hash_add_text(hash_add_text(HASH_START, device), sensor);
	struct hash_search s = hash_find(&k->pairs, hash);
	struct known_pair *p;
	size_t at;

	while (hash_next(&s, &at)) {
		p = &k->v[at];
		if (strcmp(p->device, device) == 0 && strcmp(p->sensor, sensor) == 0)
			return p;
	}
	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	p = &k->v[k->n++];
	*p = (struct known_pair){.device = xstrdup(device), .sensor = xstrdup(sensor)};
	hash_table_add(&k->pairs, hash, k->n - 1);
	find_pair(k, p);
	return p;
}

/* The device's own time where it is one, else when the message came. */
static void
put_time(struct buf *out, struct span line)
{
	struct span timestamp = {0}, received = {0};
	struct buf text = {0};
	int64_t now, us;

	if (!json_member_string(line, "received_at", &text) ||
	    !timestamp_parse(buf_str(&text), &now))
		now = clock_wall_us();
	json_member(line, "timestamp", &timestamp);
	if (timestamp_of_device(timestamp, now, &us)) {
		buf_puts(out, ",\"timestamp\":\"");
		buf_time(out, us);
		buf_putc(out, '"');
	} else if (json_member(line, "received_at", &received) &&
	    json_kind(received) == JSON_KIND_STRING) {
		buf_puts(out, ",\"timestamp\":");
		buf_span(out, received);
	}
	buf_release(&text);
}

static void
put_reading(
    struct buf *out, const struct known_pair *p, struct span line, struct span value)
{
	struct span s;

	buf_printf(out,
	    "{\"dispositivo\":%" JSON_INTEGER_FORMAT ",\"sensor\":%" JSON_INTEGER_FORMAT
	    ",\"valor\":",
	    p->device_id, p->sensor_id);
	buf_span(out, value);
	put_time(out, line);
	if (json_member(line, "qos", &s) && json_kind(s) == JSON_KIND_NUMBER)
		buf_printf(out, ",\"mqtt_qos\":%.*s", (int)s.n, s.p);
	if (json_member(line, "retain", &s) && json_kind(s) == JSON_KIND_TRUE)
		buf_puts(out, ",\"mqtt_retained\":true");
	if (json_member(line, "mid", &s) && json_kind(s) == JSON_KIND_NUMBER)
		buf_printf(out, ",\"mqtt_message_id\":\"%.*s\"", (int)s.n, s.p);
	buf_putc(out, '}');
}

static int
check_value(const struct known_pair *p, struct span value, struct err *err)
{
	char *text = xstrndup(value.p, value.n);
	double d = 0;
	int failed = 0;

	if (json_kind(value) != JSON_KIND_NUMBER || !text_double(text, &d))
		failed = err_set(err, ERR_USAGE, _("its value is no number: %s"), text);
	else if (d < p->min || d > p->max)
		failed = err_set(err, ERR_USAGE, _("%s is not within %g..%g of '%s'"),
		    text, p->min, p->max, p->sensor);
	free(text);
	return failed;
}

int
import_line(struct import_catalog *k, struct span text, struct buf *out, struct err *err)
{
	struct buf device = {0}, sensor = {0};
	const struct known_pair *p;
	struct span line, value = {0};
	size_t at = 0;
	int failed = 0;

	if (!json_check(text, &line, &at) || json_kind(line) != JSON_KIND_OBJECT)
		return err_set(
		    err, ERR_USAGE, _("no JSON object: wrong at byte %zu"), at + 1);
	if (!json_member_string(line, "device_id", &device) ||
	    !json_member_string(line, "sensor", &sensor) ||
	    !json_member(line, "value", &value)) {
		failed = err_set(err, ERR_USAGE,
		    _("no reading: it needs device_id, sensor and value (iotingest "
		      "--readings)"));
	} else {
		p = pair_of(k, buf_str(&device), buf_str(&sensor));
		failed = p->why != NULL ? err_set(err, ERR_NOT_FOUND, "%s", p->why)
					: check_value(p, value, err);
		if (!failed)
			put_reading(out, p, line, value);
	}
	buf_release(&sensor);
	buf_release(&device);
	return failed;
}
