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
look_up(const struct buf *answer, const char *key, int64_t number, struct span *object)
{
	struct span rest = buf_as_span(answer);

	while (number >= 0 && iotctl_child_next(&rest, object)) {
		if (iotctl_child_number(*object, key) == number)
			return true;
	}
	return false;
}

static int
keep_broker(void *arg, struct span object, struct err *err)
{
	struct answers *a = arg;

	return iotctl_child_keep(&a->brokers, object, err);
}

static int
keep_topic(void *arg, struct span object, struct err *err)
{
	struct answers *a = arg;

	return iotctl_child_keep(&a->topics, object, err);
}

static int
keep_config(void *arg, struct span object, struct err *err)
{
	struct answers *a = arg;
	const struct config c = {.device = iotctl_child_number(object, "dispositivo"),
	    .topic = iotctl_child_number(object, "publish_topic"),
	    .interval = iotctl_child_number(object, "publish_interval"),
	    .qos = iotctl_child_number(object, "qos"),
	    .broker = iotctl_child_number(object, "broker"),
	    .retain = iotctl_child_is_true(object, "retain"),
	    .active = iotctl_child_is_true(object, "is_active")};

	(void)err;
	buf_put(&a->configs, &c, sizeof(c));
	return 0;
}

const char *const inventory_resources[PLATFORM_ANSWERS] = {
    [BROKERS] = "broker",
    [TOPICS] = "topic",
    [CONFIGS] = "device-config",
    [DEVICES] = "device",
};

iotctl_child_take *const inventory_answers_take[PLATFORM_ANSWERS] = {
    [BROKERS] = keep_broker,
    [TOPICS] = keep_topic,
    [CONFIGS] = keep_config,
};

static int
by_device(const void *a, const void *b)
{
	const struct config *x = a, *y = b;

	return (x->device > y->device) - (x->device < y->device);
}

void
inventory_answers_sort(struct answers *a)
{
	if (a->configs.n > 0)
		qsort(a->configs.p, a->configs.n / sizeof(struct config),
		    sizeof(struct config), by_device);
}

const struct config *
inventory_answers_config(const struct answers *a, struct span device)
{
	static const struct config none = {
	    .topic = -1, .interval = -1, .qos = -1, .broker = -1};
	const struct config key = {.device = iotctl_child_number(device, "id")};
	const struct config *found = a->configs.n > 0
	    ? bsearch(
		  &key, a->configs.p, a->configs.n / sizeof(key), sizeof(key), by_device)
	    : NULL;

	return found != NULL ? found : &none;
}

void
inventory_answers_release(struct answers *a)
{
	buf_release(&a->brokers);
	buf_release(&a->topics);
	buf_release(&a->devices);
	buf_release(&a->configs);
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
take_topic(struct planned *d, const struct answers *a, int64_t topic, struct err *err)
{
	struct span object;
	char *pattern;
	int failed = 0;

	if (!look_up(&a->topics, "id", topic, &object))
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
inventory_planned_fill(struct inventory *p, struct planned *d, struct span device,
    const struct config *config, struct err *err)
{
	size_t i;

	inventory_planned_clear(d);
	if (take_topic(d, &p->answers, config->topic, err))
		return err_in(err, _("device '%s'"), d->id);
	take_sensors(d, device);
	d->profile = *p->opts.profile;
	if (d->topic != NULL)
		d->profile.data = d->topic;
	if (!p->opts.sensors_given && d->sensors.n > 0)
		d->profile.sensors = &d->sensors;
	if (config->interval > 0 && !p->opts.interval_given)
		d->profile.interval = config->interval * 1000;
	if (config->qos >= 0 && config->qos <= 2)
		d->profile.qos = (int)config->qos;
	d->profile.retain = config->retain;
	for (i = 0; i < p->brokers_n; i++) {
		if (p->brokers[i]->id == config->broker)
			d->broker = p->brokers[i];
	}
	d->profile.broker = d->broker;
	return payload_check(p->opts.payload, d->profile.sensors, err);
}

void
inventory_planned_put_seen(struct buf *seen, const struct answers *a, struct span device,
    const struct config *config)
{
	struct span part;

	if (json_member(device, "sensores_asignados", &part))
		buf_span(seen, part);
	buf_printf(seen, " %lld %lld %lld %d %lld ", (long long)config->topic,
	    (long long)config->interval, (long long)config->qos, config->retain,
	    (long long)config->broker);
	if (look_up(&a->topics, "id", config->topic, &part) &&
	    json_member(part, "topic_pattern", &part))
		buf_span(seen, part);
}
