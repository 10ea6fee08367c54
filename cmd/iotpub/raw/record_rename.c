/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of one device as another's. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotpub/raw/record.h"

int
record_map_add(struct record_map *map, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	struct span from = {text, equals != NULL ? (size_t)(equals - text) : 0};

	if (equals == NULL)
		return err_set(err, ERR_USAGE,
		    _("--map-device: '%s' is not OLD=NEW, two devices' ids"), text);
	if (topic_check_id(from, _("device id"), err) ||
	    topic_check_id(span_of(equals + 1), _("device id"), err))
		return err_in(err, "--map-device");
	map->from = xreallocarray(map->from, map->n + 1, sizeof(*map->from));
	map->to = xreallocarray(map->to, map->n + 1, sizeof(*map->to));
	map->from[map->n] = xstrndup(from.p, from.n);
	map->to[map->n++] = xstrdup(equals + 1);
	return 0;
}

void
record_map_release(struct record_map *map)
{
	size_t i;

	for (i = 0; i < map->n; i++) {
		free(map->from[i]);
		free(map->to[i]);
	}
	free(map->from);
	free(map->to);
}

static const char *
find(const struct record_map *map, struct span id)
{
	size_t i;

	for (i = 0; i < map->n; i++) {
		if (span_is(id, map->from[i]))
			return map->to[i];
	}
	return NULL;
}

/* Only the bytes of the id change. */
static void
splice(struct buf *b, struct span old, const char *new)
{
	struct span whole = buf_as_span(b);
	struct buf out = {0};

	buf_put(&out, whole.p, (size_t)(old.p - whole.p));
	buf_puts(&out, new);
	buf_put(&out, old.p + old.n, (size_t)(whole.p + whole.n - (old.p + old.n)));
	buf_str(&out);
	buf_release(b);
	*b = out;
}

static void
rename_topic(
    struct record *r, const struct record_map *map, const struct topic_set *topics)
{
	const struct topic *const all[] = {topics->data, topics->status, topics->commands,
	    topics->responses, topics->alerts};
	struct topic_vars vars = {0};
	size_t i = 0;

	while (i < ARRAY_LEN(all) && !topic_match(all[i], buf_as_span(&r->topic), &vars))
		i++;
	if (i < ARRAY_LEN(all) && vars.v[TOPIC_DEVICE_ID].p != NULL &&
	    find(map, vars.v[TOPIC_DEVICE_ID]) != NULL)
		splice(&r->topic, vars.v[TOPIC_DEVICE_ID],
		    find(map, vars.v[TOPIC_DEVICE_ID]));
}

/* An id needs no escapes: one that is written with them is none that the map has. */
static void
rename_payload(struct record *r, const struct record_map *map)
{
	struct span o, id;

	if (!json_check(buf_as_span(&r->payload), &o, NULL) ||
	    json_kind(o) != JSON_KIND_OBJECT || !json_member(o, "device_id", &id) ||
	    json_kind(id) != JSON_KIND_STRING)
		return;
	id.p++;
	id.n -= 2;
	if (find(map, id) != NULL)
		splice(&r->payload, id, find(map, id));
}

int
record_rename(struct record *r, const struct record_map *map,
    const struct topic_set *topics, struct err *err)
{
	if (map->n == 0)
		return 0;
	rename_topic(r, map, topics);
	rename_payload(r, map);
	return topic_check_name(buf_as_span(&r->topic), err);
}
