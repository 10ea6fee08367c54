/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what iotctl says. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotpub/platform/inventory_int.h"

/* The object of an answer whose `key` is this number. */
static bool
look_up(const struct buf *answer, const char *key, long number, struct span *object)
{
	struct span rest = buf_as_span(answer);

	while (number >= 0 && iotctl_child_next(&rest, object)) {
		if (iotctl_child_number(*object, key) == number)
			return true;
	}
	return false;
}

static int
by_device(const void *a, const void *b)
{
	const struct config *x = a, *y = b;

	return (x->device > y->device) - (x->device < y->device);
}

void
inventory_index(struct inventory *p)
{
	struct span rest = buf_as_span(&p->answers[CONFIGS]), object;

	p->index_n = 0;
	while (iotctl_child_next(&rest, &object)) {
		p->index = xreallocarray(p->index, p->index_n + 1, sizeof(*p->index));
		p->index[p->index_n++] =
		    (struct config){iotctl_child_number(object, "dispositivo"), object};
	}
	if (p->index_n > 0)
		qsort(p->index, p->index_n, sizeof(*p->index), by_device);
}

struct span
inventory_config(const struct inventory *p, struct span device)
{
	const struct config key = {.device = iotctl_child_number(device, "id")};
	const struct config *found = p->index_n > 0
	    ? bsearch(&key, p->index, p->index_n, sizeof(key), by_device)
	    : NULL;

	return found != NULL ? found->object : (struct span){0};
}

const char *const platform_resources[PLATFORM_ANSWERS] = {
    [DEVICES] = "device",
    [CONFIGS] = "device-config",
    [TOPICS] = "topic",
    [BROKERS] = "broker",
};

int
inventory_ask_all(struct sim *t, struct inventory *p, struct err *err)
{
	const struct common *c = &t->a->common;
	size_t i;

	for (i = 0; i < PLATFORM_ANSWERS; i++) {
		if (iotctl_child_list(c->config, c->context, platform_resources[i],
			&p->answers[i], err))
			return -1;
	}
	inventory_index(p);
	return 0;
}

/* Something between its limits that wanders, as what is measured does. */
static void
add_sensor(struct sensors *s, struct span detail)
{
	char *name = iotctl_child_text(detail, "mqtt_topic_suffix");
	struct span low, high;
	struct buf from = {0}, to = {0}, word = {0};
	double least = 0, most = 100;

	if (name == NULL)
		name = iotctl_child_text(detail, "nombre");
	if (json_member(detail, "rango_min", &low) &&
	    json_member(detail, "rango_max", &high)) {
		buf_span(&from, low);
		buf_span(&to, high);
		if (!text_double(buf_str(&from), &least) ||
		    !text_double(buf_str(&to), &most) || least > most) {
			least = 0;
			most = 100;
		}
	}
	if (name != NULL && strchr(name, '=') == NULL) {
		buf_printf(&word, "%s=walk:%.9g,%.9g,%.9g,%.9g", name,
		    least + (most - least) / 2, (most - least) / 100, least, most);
		sensors_add(s, buf_str(&word), NULL);
	}
	free(name);
	buf_release(&from);
	buf_release(&to);
	buf_release(&word);
}

static void
take_sensors(struct planned *d, struct span device)
{
	struct span list, detail;
	struct json_iter it = {0};

	if (!json_member(device, "sensores_asignados", &list) ||
	    json_kind(list) != JSON_KIND_ARRAY)
		return;
	it.value = list;
	while (json_next(&it)) {
		if (json_kind(it.item) == JSON_KIND_OBJECT &&
		    iotctl_child_is_true(it.item, "activo") &&
		    json_member(it.item, "sensor_detail", &detail) &&
		    json_kind(detail) == JSON_KIND_OBJECT)
			add_sensor(&d->sensors, detail);
	}
}

static int
take_topic(
    struct planned *d, const struct inventory *p, struct span config, struct err *err)
{
	struct span object;
	char *pattern;
	int failed = 0;

	if (!look_up(&p->answers[TOPICS], "id",
		iotctl_child_number(config, "publish_topic"), &object))
		return 0;
	pattern = iotctl_child_text(object, "topic_pattern");
	if (pattern != NULL)
		failed = topic_compile(&d->topic, pattern, err);
	free(pattern);
	return failed;
}

void
inventory_planned_clear(struct planned *d)
{
	topic_free(d->topic);
	d->topic = NULL;
	sensors_release(&d->sensors);
}

int
inventory_planned_fill(struct sim *t, struct planned *d, struct span device,
    struct span config, struct err *err)
{
	const struct inventory *p = t->platform;
	long interval = iotctl_child_number(config, "publish_interval");
	long qos = iotctl_child_number(config, "qos"),
	     broker = iotctl_child_number(config, "broker");
	size_t i;

	inventory_planned_clear(d);
	if (take_topic(d, p, config, err))
		return err_in(err, _("device '%s'"), d->id);
	take_sensors(d, device);
	d->profile = t->profile;
	if (d->topic != NULL)
		d->profile.data = d->topic;
	if (!t->sensors_given && d->sensors.n > 0)
		d->profile.sensors = &d->sensors;
	if (interval > 0 && !t->interval_given)
		d->profile.interval = interval * 1000;
	if (qos >= 0 && qos <= 2)
		d->profile.qos = (int)qos;
	d->profile.retain = iotctl_child_is_true(config, "retain");
	for (i = 0; i < p->outlets_n; i++) {
		if (p->outlets[i]->broker.id == broker)
			d->outlet = p->outlets[i];
	}
	return payload_check(&t->payload, d->profile.sensors, err);
}

void
inventory_planned_put_seen(
    struct buf *seen, const struct inventory *p, struct span device, struct span config)
{
	static const char *const keys[] = {
	    "publish_topic", "publish_interval", "qos", "retain", "broker"};
	struct span part;
	size_t i;

	if (json_member(device, "sensores_asignados", &part))
		buf_span(seen, part);

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		buf_putc(seen, ' ');
		if (json_member(config, keys[i], &part))
			buf_span(seen, part);
	}
	if (look_up(&p->answers[TOPICS], "id",
		iotctl_child_number(config, "publish_topic"), &part) &&
	    json_member(part, "topic_pattern", &part))
		buf_span(seen, part);
}
