/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/raw/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "model/topic_set.h"

static int
not_a(struct err *err, const char *key, const char *what)
{
	return err_set(err, ERR_USAGE, _("its \"%s\" is wrong: %s"), key, what);
}

/* A member that is a string, if it is there: *found. */
static int
take_text(struct span o, const char *key, struct buf *out, bool *found, struct err *err)
{
	struct span value;

	buf_clear(out);
	*found = json_member(o, key, &value);
	if (!*found)
		return 0;
	if (json_kind(value) != JSON_KIND_STRING)
		return not_a(err, key, _("a text is wanted"));
	json_unescape(out, value);
	buf_str(out);
	return 0;
}

static int
take_base64(struct span o, const char *key, struct buf *out, bool *found, struct err *err)
{
	struct buf text = {0};
	int failed = take_text(o, key, &text, found, err), n = 0;

	buf_clear(out);
	if (!failed && text.n > 0) {
		n = base64_decode(
		    (unsigned char *)buf_reserve(out, text.n), buf_as_span(&text));
		failed = n < 0 ? not_a(err, key, _("base64 is wanted")) : 0;
	}
	if (!failed)
		out->n = (size_t)n;
	buf_release(&text);
	return failed;
}

static int
take_payload(struct record *r, struct span o, struct err *err)
{
	struct span value;
	bool is_json = json_member(o, "payload", &value), is_text, is_base64;
	struct buf text = {0};
	int failed = take_base64(o, "payload_b64", &r->payload, &is_base64, err) ||
	    take_text(o, "payload_text", &text, &is_text, err);

	if (!failed && is_json + is_text + is_base64 != 1)
		failed = err_set(err, ERR_USAGE,
		    _("it has not exactly one of \"payload\", \"payload_text\" and "
		      "\"payload_b64\""));
	if (!failed && is_json)
		buf_span(&r->payload, value);
	if (!failed && is_text)
		buf_span(&r->payload, buf_as_span(&text));
	buf_release(&text);
	return failed ? -1 : 0;
}

static int
take_qos(struct record *r, struct span o, struct err *err)
{
	struct span value;

	r->qos = -1;
	if (!json_member(o, "qos", &value))
		return 0;
	if (value.n != 1 || value.p[0] < '0' || value.p[0] > '2')
		return not_a(err, "qos", _("0, 1 or 2 is wanted"));
	r->qos = value.p[0] - '0';
	return 0;
}

static int
take_retain(struct record *r, struct span o, struct err *err)
{
	struct span value;

	r->retain = -1;
	if (!json_member(o, "retain", &value))
		return 0;
	if (!span_is(value, "true") && !span_is(value, "false"))
		return not_a(err, "retain", _("true or false is wanted"));
	r->retain = span_is(value, "true");
	return 0;
}

static int
take_time(struct record *r, struct span o, struct err *err)
{
	struct buf text = {0};
	bool found;
	int failed = take_text(o, "received_at", &text, &found, err);

	r->us = -1;
	if (!failed && found && !timestamp_parse(buf_str(&text), &r->us))
		failed = not_a(err, "received_at", _("a time is wanted"));
	buf_release(&text);
	return failed;
}

/* An array of pairs of texts. Their spans are set when all bytes are in place. */
static int
take_users(struct record *r, struct span list, struct err *err)
{
	struct json_iter pairs = {.value = list};
	size_t i, n = 0, at = 0;

	buf_clear(&r->user);
	while (json_next(&pairs)) {
		struct json_iter two = {.value = pairs.item};
		size_t words = 0;

		if (json_kind(pairs.item) != JSON_KIND_ARRAY)
			return not_a(err, "user", _("a list of pairs is wanted"));
		for (; json_next(&two); words++, n++) {
			if (words == 2 || json_kind(two.item) != JSON_KIND_STRING)
				return not_a(
				    err, "user", _("a list of pairs of texts is wanted"));
			if (n == r->users_room) {
				r->users_room = n * 2 + 8;
				r->users = xreallocarray(
				    r->users, r->users_room, sizeof(*r->users));
			}
			at = r->user.n;
			json_unescape(&r->user, two.item);
			r->users[n].n = r->user.n - at;
		}
		if (words != 2)
			return not_a(
			    err, "user", _("a list of pairs of texts is wanted"));
	}
	for (i = 0, at = 0; i < n; at += r->users[i++].n)
		r->users[i].p = buf_as_span(&r->user).p + at;
	r->props.user = r->users;
	r->props.users = n / 2;
	return 0;
}

/* A member that is a whole number up to `max`, if it is there. */
static int
take_number(
    struct span o, const char *key, uint32_t max, struct msg_number *out, struct err *err)
{
	struct span value;
	uint64_t v = 0;
	size_t i;

	if (!json_member(o, key, &value))
		return 0;
	for (i = 0; i < value.n && v <= max; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return not_a(err, key, _("a whole number is wanted"));
		v = v * 10 + (uint64_t)(value.p[i] - '0');
	}
	if (v > max)
		return not_a(err, key, _("MQTT has no room for this number"));
	*out = (struct msg_number){true, (uint32_t)v};
	return 0;
}

static int
take_properties(struct record *r, struct span o, struct err *err)
{
	struct span all, list;
	bool content, response, correlation;

	r->props = (struct msg_props){0};
	if (!json_member(o, "properties", &all))
		return 0;
	if (json_kind(all) != JSON_KIND_OBJECT)
		return not_a(err, "properties", _("an object is wanted"));
	if (take_number(all, "payload_format", 1, &r->props.payload_format, err) ||
	    take_number(all, "message_expiry", UINT32_MAX, &r->props.expiry, err) ||
	    take_text(all, "content_type", &r->content_type, &content, err) ||
	    take_text(all, "response_topic", &r->response_topic, &response, err) ||
	    take_base64(all, "correlation_b64", &r->correlation, &correlation, err))
		return -1;
	if (content)
		r->props.content_type = buf_as_span(&r->content_type);
	if (response)
		r->props.response_topic = buf_as_span(&r->response_topic);
	if (correlation)
		r->props.correlation = buf_as_span(&r->correlation);
	if (!json_member(all, "user", &list))
		return 0;
	return json_kind(list) == JSON_KIND_ARRAY
	    ? take_users(r, list, err)
	    : not_a(err, "user", _("a list is wanted"));
}

int
record_read(struct record *r, struct span line, const char *topic, struct err *err)
{
	struct span o;
	bool found;
	size_t at;

	if (!json_check(line, &o, &at))
		return err_set(
		    err, ERR_USAGE, _("it is no JSON, from byte %zu on"), at + 1);
	if (json_kind(o) != JSON_KIND_OBJECT)
		return err_set(err, ERR_USAGE, _("it is no JSON object"));
	buf_clear(&r->payload);
	if (take_text(o, "topic", &r->topic, &found, err) || take_payload(r, o, err) ||
	    take_qos(r, o, err) || take_retain(r, o, err) || take_time(r, o, err) ||
	    take_properties(r, o, err))
		return -1;
	if (!found && topic == NULL)
		return err_set(err, ERR_USAGE, _("it has no \"topic\""));
	if (!found)
		buf_puts(&r->topic, topic);
	buf_str(&r->topic);
	return topic_check_name(buf_as_span(&r->topic), err);
}

void
record_release(struct record *r)
{
	buf_release(&r->topic);
	buf_release(&r->payload);
	buf_release(&r->content_type);
	buf_release(&r->response_topic);
	buf_release(&r->correlation);
	buf_release(&r->user);
	free(r->users);
}

/* Records of one device as another's. */

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
