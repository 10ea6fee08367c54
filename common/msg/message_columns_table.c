/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns, each the cell of a row. */
#include "base/base64.h"
#include "base/json.h"
#include "msg/message_columns_int.h"

static struct span
flag(bool on)
{
	return on ? SPAN("true") : SPAN("false");
}

static struct span
number(struct row *r, uint64_t v)
{
	buf_u64(r->scratch, v);
	return buf_as_span(r->scratch);
}

static struct span
json_cell(struct row *r, struct span value)
{
	switch (json_kind(value)) {
	case JSON_KIND_NONE:
	case JSON_KIND_NULL: return (struct span){0};
	case JSON_KIND_STRING:
		if (memchr(value.p, '\\', value.n) == NULL)
			return (struct span){value.p + 1, value.n - 2};
		json_unescape(r->scratch, value);
		return buf_as_span(r->scratch);
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		json_put_compact(r->scratch, value);
		return buf_as_span(r->scratch);
	default: return value;
	}
}

static struct span
cell_received_at(struct row *r)
{
	buf_time(r->scratch, r->m->received_us);
	return buf_as_span(r->scratch);
}

static struct span
cell_topic(struct row *r)
{
	return r->m->topic;
}

static struct span
cell_device_id(struct row *r)
{
	return r->device_id;
}

static struct span
cell_sensor_type(struct row *r)
{
	return r->vars.v[TOPIC_SENSOR_TYPE];
}

static struct span
cell_sensor(struct row *r)
{
	return r->reading->sensor;
}

static struct span
cell_value(struct row *r)
{
	return json_cell(r, r->reading->value);
}

static struct span
cell_value_type(struct row *r)
{
	static const char *const names[] = {
	    [JSON_KIND_NULL] = "null",
	    [JSON_KIND_FALSE] = "boolean",
	    [JSON_KIND_TRUE] = "boolean",
	    [JSON_KIND_NUMBER] = "number",
	    [JSON_KIND_STRING] = "string",
	};

	return span_of(names[json_kind(r->reading->value)]);
}

static struct span
cell_timestamp(struct row *r)
{
	return json_cell(r, r->reading->timestamp);
}

static struct span
cell_qos(struct row *r)
{
	return number(r, r->m->qos);
}

static struct span
cell_retain(struct row *r)
{
	return flag(r->m->retain);
}

static struct span
cell_mid(struct row *r)
{
	return r->m->qos != 0 ? number(r, r->m->mid) : (struct span){0};
}

static struct span
cell_dup(struct row *r)
{
	return flag(r->m->dup);
}

static struct span
cell_id_mismatch(struct row *r)
{
	return flag(r->id_mismatch);
}

static struct span
cell_payload(struct row *r)
{
	if (r->payload.kind != MESSAGE_JSON)
		return (struct span){0};
	if (r->payload.blanks == 0)
		return r->payload.value;
	json_put_compact(r->scratch, r->payload.value);
	return buf_as_span(r->scratch);
}

static struct span
cell_payload_text(struct row *r)
{
	return r->payload.kind == MESSAGE_TEXT ? r->payload.value : (struct span){0};
}

static struct span
cell_payload_b64(struct row *r)
{
	if (r->payload.kind != MESSAGE_BINARY)
		return (struct span){0};
	base64_put(r->scratch, r->payload.value);
	return buf_as_span(r->scratch);
}

static struct span
cell_content_type(struct row *r)
{
	return r->m->props.content_type;
}

const struct column columns_known[MESSAGE_COLUMNS_MAX] = {
    {"received_at", cell_received_at, IN_BOTH | DEFAULT | BARE},
    {"device_id", cell_device_id, IN_BOTH | DEFAULT},
    {"sensor_type", cell_sensor_type, IN_BOTH},
    {"sensor", cell_sensor, IN_READING | DEFAULT},
    {"value", cell_value, IN_READING | DEFAULT},
    {"value_type", cell_value_type, IN_READING | BARE},
    {"timestamp", cell_timestamp, IN_READING | DEFAULT},
    {"topic", cell_topic, IN_BOTH | DEFAULT},
    {"qos", cell_qos, IN_BOTH | DEFAULT | BARE},
    {"retain", cell_retain, IN_BOTH | DEFAULT | BARE},
    {"mid", cell_mid, IN_BOTH | DEFAULT | BARE},
    {"dup", cell_dup, IN_BOTH | BARE},
    {"id_mismatch", cell_id_mismatch, IN_BOTH | BARE},
    {"content_type", cell_content_type, IN_BOTH},
    {"payload", cell_payload, IN_MESSAGE | DEFAULT},
    {"payload_text", cell_payload_text, IN_MESSAGE | DEFAULT},
    {"payload_b64", cell_payload_b64, IN_MESSAGE | DEFAULT | BARE},
};
