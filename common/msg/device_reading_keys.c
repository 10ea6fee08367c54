/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members that the operator named: found by their path, and left out of the sensors. */
#include "base/text.h"
#include "msg/device_reading_int.h"

/* Paths that lead deeper lead nowhere. */
enum { DEPTH_MAX = 16 };

#define SENSORS "sensors"

/* Whether `path` is `name`, or goes on behind it and a dot: *rest, empty when it is. */
static bool
begins_with(struct span path, struct span name, struct span *rest)
{
	if (path.n < name.n || memcmp(path.p, name.p, name.n) != 0)
		return false;
	*rest = (struct span){path.p + name.n, path.n - name.n};
	if (rest->n == 0)
		return true;
	if (name.n == 0 || *rest->p != '.')
		return false;
	rest->p++;
	rest->n--;
	return rest->n != 0;
}

struct search {
	struct span device_id;
	struct reading_member *found;
	bool any;
	struct buf name; /* of a member, or the number of an item */
};

static void
take(struct search *s, struct span value)
{
	s->any = true;
	s->found->value = value;
	s->found->differs |= device_reading_claim_differs(value, s->device_id);
}

static bool
is_container(struct span value)
{
	enum json_kind kind = json_kind(value);

	return kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY;
}

/* A name may have dots of its own: each member that fits is followed. */
static void
follow(struct search *s, struct span container, struct span path, int depth)
{
	struct json_iter it = {.value = container};
	struct span rest;
	size_t i;

	for (i = 0; json_next(&it); i++) {
		buf_clear(&s->name);
		if (it.key.p != NULL)
			json_unescape(&s->name, it.key);
		else
			buf_u64(&s->name, i);
		if (!begins_with(path, buf_as_span(&s->name), &rest))
			continue;
		if (rest.n == 0)
			take(s, it.item);
		else if (is_container(it.item) && depth < DEPTH_MAX)
			follow(s, it.item, rest, depth + 1);
	}
}

static void
follow_in_sensors(struct search *s, struct span object, struct span path)
{
	struct json_iter it = {.value = object};

	while (json_next(&it)) {
		buf_clear(&s->name);
		json_unescape(&s->name, it.key);
		if (span_is(buf_as_span(&s->name), SENSORS) && is_container(it.item))
			follow(s, it.item, path, 1);
	}
}

bool
device_reading_keys_find(const struct strv *names, struct span object,
    struct span device_id, struct reading_member *found)
{
	struct search s = {.device_id = device_id, .found = found};
	size_t i;

	for (i = 0; i < names->n && !s.any; i++) {
		*found = (struct reading_member){0};
		follow(&s, object, span_of(names->v[i]), 0);
		follow_in_sensors(&s, object, span_of(names->v[i]));
	}
	buf_release(&s.name);
	return s.any;
}

/* Whether a key is the name, or one above it. */
static bool
covers(const struct strv *keys, struct span name)
{
	struct span rest;
	size_t i = 0;

	while (i < keys->n && !begins_with(name, span_of(keys->v[i]), &rest))
		i++;
	return i < keys->n;
}

static bool
covers_in_sensors(const struct strv *keys, struct span name)
{
	static const struct span sensors = {SENSORS ".", sizeof(SENSORS)};
	struct span rest;
	size_t i;

	for (i = 0; i < keys->n; i++) {
		const char *key = keys->v[i];

		if (strncmp(key, sensors.p, sensors.n) == 0 &&
		    begins_with(name, span_of(key + sensors.n), &rest))
			return true;
	}
	return false;
}

bool
device_reading_keys_have(const struct reading_keys *k, struct span name, bool in_sensors)
{
	const struct strv *const all[] = {&k->time, &k->device, &k->skip};
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++) {
		if (covers(all[i], name) ||
		    (in_sensors && covers_in_sensors(all[i], name)))
			return true;
	}
	return false;
}
