/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mqtt/session_int.h"
#include "mqtt/topic_alias.h"

static struct span
take_string(const mosquitto_property *p, int id)
{
	char *text = NULL;

	if (p == NULL || mosquitto_property_read_string(p, id, &text, false) == NULL)
		return (struct span){0};
	return span_of(text);
}

static void
take_user(struct msg_props *out, const mosquitto_property *p)
{
	struct span *user = NULL;
	char *name, *value;
	bool skip = false;

	while ((p = mosquitto_property_read_string_pair(
		    p, MQTT_PROP_USER_PROPERTY, &name, &value, skip)) != NULL) {
		user = xreallocarray(user, (out->users + 1) * 2, sizeof(*user));
		user[out->users * 2] = span_of(name);
		user[out->users * 2 + 1] = span_of(value);
		out->users++;
		skip = true;
	}
	out->user = user;
}

static void
take_numbers(struct msg_props *out, const mosquitto_property *p)
{
	uint16_t alias;
	uint8_t format;

	if (mosquitto_property_read_int16(p, MQTT_PROP_TOPIC_ALIAS, &alias, false) !=
	    NULL)
		out->topic_alias = (struct msg_number){true, alias};
	if (mosquitto_property_read_byte(
		p, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, &format, false) != NULL)
		out->payload_format = (struct msg_number){true, format};
	out->expiry.given =
	    mosquitto_property_read_int32(
		p, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &out->expiry.v, false) != NULL;
	out->subscription.given =
	    mosquitto_property_read_varint(p, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
		&out->subscription.v, false) != NULL;
}

struct msg_props
session_props_take(const mosquitto_property *p)
{
	struct msg_props out = {0};
	void *bytes = NULL;
	uint16_t n = 0;

	if (p == NULL)
		return out;
	out.content_type = take_string(p, MQTT_PROP_CONTENT_TYPE);
	out.response_topic = take_string(p, MQTT_PROP_RESPONSE_TOPIC);
	if (mosquitto_property_read_binary(
		p, MQTT_PROP_CORRELATION_DATA, &bytes, &n, false) != NULL)
		out.correlation = (struct span){bytes, n};
	take_numbers(&out, p);
	take_user(&out, p);
	return out;
}

static void
free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

void
session_props_release(struct msg_props *m)
{
	size_t i;

	free_const(m->content_type.p);
	free_const(m->response_topic.p);
	free_const(m->correlation.p);
	for (i = 0; i < m->users * 2; i++)
		free_const(m->user[i].p);
	free_const(m->user);
	*m = (struct msg_props){0};
}

static void
add_string(mosquitto_property **out, int id, struct span s)
{
	char *text;

	if (s.p == NULL)
		return;
	text = xstrndup(s.p, s.n);
	mosquitto_property_add_string(out, id, text);
	free(text);
}

mosquitto_property *
session_props_make(const struct msg_props *m)
{
	mosquitto_property *out = NULL;
	size_t i;

	add_string(&out, MQTT_PROP_CONTENT_TYPE, m->content_type);
	add_string(&out, MQTT_PROP_RESPONSE_TOPIC, m->response_topic);
	if (m->correlation.p != NULL && m->correlation.n <= UINT16_MAX)
		mosquitto_property_add_binary(&out, MQTT_PROP_CORRELATION_DATA,
		    m->correlation.p, (uint16_t)m->correlation.n);
	for (i = 0; i < m->users; i++) {
		char *name = xstrndup(m->user[i * 2].p, m->user[i * 2].n);
		char *value = xstrndup(m->user[i * 2 + 1].p, m->user[i * 2 + 1].n);

		mosquitto_property_add_string_pair(
		    &out, MQTT_PROP_USER_PROPERTY, name, value);
		free(name);
		free(value);
	}
	return out;
}

/* CONNECT properties can only be given to a call that blocks: it gets a host that cannot exist,
 * fails at once and leaves them behind for the next call (measured: 0.03 ms). */
void
session_props_leave(struct session *s)
{
	mosquitto_property *p = NULL;

	if (s->version != 5)
		return;
	if (!s->opts.clean && s->opts.session_expiry > 0)
		mosquitto_property_add_int32(&p, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
		    s->opts.session_expiry > UINT32_MAX
			? UINT32_MAX
			: (uint32_t)s->opts.session_expiry);
	if (s->opts.take)
		mosquitto_property_add_int16(&p, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, ALIASES);
	if (s->opts.announce_max_packet)
		mosquitto_property_add_int32(&p, MQTT_PROP_MAXIMUM_PACKET_SIZE,
		    s->opts.max_packet > 0 ? s->opts.max_packet : SESSION_MAX_PACKET);
	if (p == NULL)
		return;
	mosquitto_connect_bind_v5(
	    s->mosq, "/nonexistent/x", 0, s->opts.keepalive, NULL, p);
	mosquitto_property_free_all(&p);
}
