/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of devices as rows. */
#include "iotapi/mqtt/store_message.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "model/timestamp.h"
#include "model/topic_set.h"
#include "iotapi/db/rows.h"
#include "iotapi/http/json_in.h"
#include "iotapi/mqtt/device_cache.h"
#include "iotapi/mqtt/store_presence.h"

/* So all rejects are 40 MB at most. */
enum {
	REJECTS_KEPT = 10000,
	REJECT_MOST = 4096,
	TOPIC_MOST = 1024,
	DETAIL_MOST = 1024,
	KNOWN_MOST = 512
};

/* When the readings of a payload were made. */
struct moment {
	int64_t us;     /* since 1970 */
	bool is_own;    /* the device's word */
	char *metadata; /* JSON: the time as it was sent */
};

/* A message on its way into the database. */
struct incoming {
	struct db *db;
	const struct msg *m;
	const struct known_device *known;
	int64_t device;
	struct topic_vars vars;
	char received[32];
	const char *error; /* the first wrong value's word, and what was wrong with all */
	struct buf wrong;
	struct value {
		char *sensor;
		double value;
		bool is_number;
		size_t moment; /* which one it has */
	} * values;
	int64_t
	    seen[READING_VALUES]; /* sensors that have a value in the payload at hand */
	size_t seen_n, seen_moment;
	size_t count;
	struct moment *moments;
	size_t moments_n;
	size_t payload; /* of the last value */
	bool claims_other;
};

static struct span
cut(struct span s, size_t most)
{
	return s.n <= most ? s : (struct span){s.p, utf8_cut(s.p, most)};
}

/* Who sends anything at all shall not fill the disk: topic, detail and payload together are REJECT_MOST bytes. */
static int
reject(struct incoming *in, const char *error, const char *detail, struct err *err)
{
	struct span payload = in->m->payload.n != 0 ? in->m->payload : SPAN("");
	struct buf topic = {0}, text = {0};
	struct span shown;
	int failed;

	visible_put(&topic, in->m->topic);
	shown = cut(buf_as_span(&topic), TOPIC_MOST);
	buf_span(&text, cut(span_of(detail), DETAIL_MOST));
	payload = cut(payload, REJECT_MOST - TOPIC_MOST - DETAIL_MOST);
	if (payload.n < in->m->size)
		buf_printf(&text, " (here are %zu of %zu bytes)", payload.n, in->m->size);
	failed = db_run(in->db, err,
		     "INSERT INTO reject (received_at, topic, error, detail, payload) "
		     "VALUES (?1, ?2, ?3, ?4, ?5)",
		     "ststb", in->received, shown, error, buf_as_span(&text), payload) ||
	    db_run(in->db, err, "DELETE FROM reject WHERE id <= ?1", "i",
		db_last_id(in->db) - REJECTS_KEPT);
	buf_release(&topic);
	buf_release(&text);
	return failed ? -1 : 0;
}

static void
put_time(char out[32], int64_t us)
{
	struct buf text = {0};

	buf_time(&text, us);
	snprintf(out, 32, "%s", buf_str(&text));
	buf_release(&text);
}

static bool
span_number(struct span s, double *out)
{
	char text[64];

	if (json_kind(s) != JSON_KIND_NUMBER || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text_double(text, out);
}

/* The time is the device's own where it sent one; as sent it stays in metadata_json. */
static void
add_moment(struct incoming *in, struct span timestamp)
{
	struct moment *to;

	in->moments = xreallocarray(in->moments, in->moments_n + 1, sizeof(*in->moments));
	to = &in->moments[in->moments_n++];
	to->us = in->m->received_us;
	to->is_own = false;
	if (timestamp.p == NULL) {
		to->metadata = xstrdup("{}");
		return;
	}
	to->metadata = xasprintf("{\"timestamp\":%.*s}", (int)timestamp.n, timestamp.p);
	to->is_own = timestamp_of_device(timestamp, in->m->received_us, &to->us);
}

static bool
add_value(void *arg, const struct reading *r)
{
	struct incoming *in = arg;
	struct value h = {0};

	in->claims_other |= r->id_mismatch;
	if (in->count == 0 || r->payload != in->payload)
		add_moment(in, r->timestamp);
	in->payload = r->payload;
	h.is_number = span_number(r->value, &h.value);
	h.sensor = xstrndup(r->sensor.p, r->sensor.n);
	h.moment = in->moments_n - 1;
	in->values = xreallocarray(in->values, in->count + 1, sizeof(h));
	in->values[in->count++] = h;
	return true;
}

static void
note_wrong(struct incoming *in, const char *sensor, const char *error, const char *detail)
{
	if (in->error == NULL)
		in->error = error;
	if (in->wrong.n < DETAIL_MOST)
		buf_printf(
		    &in->wrong, "%s%s: %s", in->wrong.n != 0 ? "; " : "", sensor, detail);
}

/* The device's sensor of this name; false, and what is wrong is noted, when the value cannot be
 * its. */
static bool
find_sensor(struct incoming *in, const struct value *h, int64_t *id)
{
	const struct known_sensor *s;
	size_t i = 0;

	*id = 0;
	while (i < in->known->n && strcmp(in->known->sensors[i].suffix, h->sensor) != 0)
		i++;
	if (i == in->known->n) {
		note_wrong(in, h->sensor, "sensor", "no such sensor is assigned");
		return false;
	}
	s = &in->known->sensors[i];
	if (!h->is_number)
		note_wrong(in, h->sensor, "shape", "not a number");
	else if (h->value < s->min || h->value > s->max)
		note_wrong(in, h->sensor, "range", "outside the sensor's range");
	else
		*id = s->id;
	return *id != 0;
}

#define KNOWN(of)                                                                        \
	"SELECT 1 FROM (SELECT * FROM reading WHERE dispositivo = ?1 AND timestamp " of  \
	" ?5 ORDER BY timestamp DESC LIMIT ?6) WHERE sensor = ?2 AND valor = ?3 AND "    \
	"metadata_json = ?4 LIMIT 1"

/* The broker hands a retained message out again at each new session, and for each filter that takes it: it is one
 * reading only. Looked for at its own time, else among the device's newest when it came, and no further than
 * KNOWN_MOST: others wait for the writer. */
static bool
is_known(struct incoming *in, int64_t sensor, double value, const struct moment *when)
{
	return in->m->retain &&
	    db_number(in->db, 0, when->is_own ? KNOWN("=") : KNOWN("<="), "iidtii",
		in->device, sensor, value, span_of(when->metadata), when->us,
		(int64_t)KNOWN_MOST) == 1;
}

/* Whether the payload at hand has a value of this sensor already; from now on it has. A name may be there twice, or in
 * a list of sensors: each would be a row, with a time and all, for some bytes. */
static bool
is_second(struct incoming *in, const struct value *h, int64_t sensor)
{
	size_t i;

	if (h->moment != in->seen_moment)
		in->seen_n = 0;
	in->seen_moment = h->moment;
	for (i = 0; i < in->seen_n; i++) {
		if (in->seen[i] == sensor)
			return true;
	}
	if (in->seen_n < READING_VALUES)
		in->seen[in->seen_n++] = sensor;
	return false;
}

static int
store_value(struct incoming *in, const struct value *h, struct err *err)
{
	const struct moment *when = &in->moments[h->moment];
	const struct span metadata = span_of(when->metadata);
	char mid[16];
	int64_t sensor;

	if (!find_sensor(in, h, &sensor))
		return 0;
	if (is_second(in, h, sensor)) {
		note_wrong(in, h->sensor, "shape", "it is there twice");
		return 0;
	}
	if (is_known(in, sensor, h->value, when))
		return 0;
	snprintf(mid, sizeof(mid), "%u", in->m->mid);
	return db_run(in->db, err,
	    "INSERT INTO reading (dispositivo, sensor, valor, timestamp, metadata_json, "
	    "mqtt_message_id, mqtt_qos, mqtt_retained) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
	    "?7, "
	    "?8)",
	    "iiditsii", in->device, sensor, h->value, when->us, metadata, mid,
	    (int64_t)in->m->qos, (int64_t)in->m->retain);
}

/* Good values are kept, whatever stands beside them; the wrong ones are one reject. */
static int
store_values(struct incoming *in, struct err *err)
{
	size_t i;

	for (i = 0; i < in->count; i++) {
		if (store_value(in, &in->values[i], err))
			return -1;
	}
	if (in->wrong.n != 0 && reject(in, in->error, buf_str(&in->wrong), err))
		return -1;
	return in->m->retain
	    ? 0
	    : store_presence(in->db, in->device, PRESENCE_ONLINE, in->received, err);
}

static int
take_readings(struct incoming *in, const struct reading_keys *keys, struct err *err)
{
	const struct reading_source from = {.payload = in->m->payload,
	    .device_id = in->vars.v[TOPIC_DEVICE_ID],
	    .sensor_type = in->vars.v[TOPIC_SENSOR_TYPE],
	    .keys = keys};
	struct reading_report report = {0};
	const char *word = device_reading_each(&from, add_value, in, &report);

	if (report.error != NULL)
		note_wrong(in, buf_str(&report.wrong), report.error,
		    "no value that a sensor can have");
	device_reading_release(&report);
	if (in->claims_other)
		return reject(in, "id", "the payload claims another device", err);
	if (word != NULL)
		return reject(in, word,
		    in->wrong.n != 0 ? buf_str(&in->wrong) : "the payload is no reading",
		    err);
	return store_values(in, err);
}

/* When a retained status was made, by its own word, into `out`; NULL: it does not say, or its clock is ahead of
 * ours. */
static const char *
kept_since(const struct incoming *in, struct span object, char out[32])
{
	struct span timestamp;
	int64_t us;

	if (!json_member(object, "timestamp", &timestamp) ||
	    !timestamp_of_device(timestamp, in->m->received_us, &us) ||
	    us > in->m->received_us)
		return NULL;
	put_time(out, us);
	return out;
}

/* As JSON of clients is taken: of a name that is there twice nobody could say which one counts. */
static bool
is_object(struct span text, struct span *object)
{
	struct buf why = {0};
	json_t *v = json_in_read(text, &why);
	const bool is = json_is_object(v) && json_in_check(text, object, &why);

	json_decref(v);
	buf_release(&why);
	return is;
}

static int
take_status(struct incoming *in, struct err *err)
{
	struct buf word = {0};
	struct span object, claim;
	char since[32];
	enum presence state;
	bool known;

	/* Empty: the retained status was taken back. */
	if (in->m->payload.n == 0)
		return 0;
	known = is_object(in->m->payload, &object) &&
	    json_member_string(object, "status", &word) &&
	    presence_by_status(buf_as_span(&word), &state);
	buf_release(&word);
	if (!known)
		return reject(in, "shape", "no status of the platform", err);
	if (json_member(object, "device_id", &claim) &&
	    device_reading_claim_differs(claim, in->vars.v[TOPIC_DEVICE_ID]))
		return reject(in, "id", "the payload claims another device", err);
	return in->m->retain
	    ? store_presence_retained(
		  in->db, in->device, state, kept_since(in, object, since), err)
	    : store_presence(in->db, in->device, state, in->received, err);
}

/* A device's logins may have client ids of their own. */
static int64_t
find_client(struct device_cache *devices, struct db *db, struct span id)
{
	const struct known_device *known = device_cache_find(devices, db, id);

	return known != NULL
	    ? known->id
	    : db_number(db, 0,
		  "SELECT d.id FROM credential c JOIN device d ON d.id = "
		  "c.dispositivo WHERE c.client_id = ?1 AND "
		  "d.mqtt_enabled",
		  "t", id);
}

/* The next level of a topic, which loses it. */
static struct span
next_level(struct span *topic)
{
	const char *slash = topic->n != 0 ? memchr(topic->p, '/', topic->n) : NULL;
	struct span level = *topic;

	if (slash != NULL)
		level.n = (size_t)(slash - topic->p);
	topic->p += level.n + (slash != NULL);
	topic->n -= level.n + (slash != NULL);
	return level;
}

/* STORE_CLIENT_CONNECTED or STORE_CLIENT_DISCONNECTED, whose topic says all. Of most clients, such as ourselves, nothing is kept. */
static int
take_client_event(struct incoming *in, struct device_cache *devices, struct err *err)
{
	struct span rest = in->m->topic, id, event;
	int64_t device;

	next_level(&rest); /* $SYS */
	next_level(&rest); /* brokers */
	next_level(&rest); /* a node of them */
	next_level(&rest); /* clients */
	id = next_level(&rest);
	event = next_level(&rest);
	device = find_client(devices, in->db, id);
	if (device == 0)
		return 0;
	return span_is(event, "connected")
	    ? store_presence(in->db, device, PRESENCE_ONLINE, in->received, err)
	    : store_presence(in->db, device, PRESENCE_OFFLINE, NULL, err);
}

static bool
is_client_event(struct span topic)
{
	static const char before[] = "$SYS/brokers/";

	return topic.n >= sizeof(before) &&
	    memcmp(topic.p, before, sizeof(before) - 1) == 0;
}

/* The template whose expansion the topic is; the platform's own first. */
static bool
find_source(const struct store_message *in, struct span topic, struct topic_vars *vars)
{
	size_t i;

	if (topic_match(in->topics->data, topic, vars))
		return true;
	for (i = 0; i < in->count; i++) {
		if (topic_match(in->more[i], topic, vars) &&
		    vars->v[TOPIC_DEVICE_ID].p != NULL)
			return true;
	}
	return false;
}

/* What the platform knows and does not store: nobody's mistake. */
static bool
is_other_traffic(const struct topic_set *t, struct span topic)
{
	struct topic_vars vars;

	return topic_match(t->commands, topic, &vars) ||
	    topic_match(t->responses, topic, &vars) ||
	    topic_match(t->alerts, topic, &vars);
}

static int
take(struct incoming *in, const struct store_message *from, struct err *err)
{
	bool status;

	if (is_client_event(in->m->topic))
		return take_client_event(in, from->devices, err);
	status = topic_match(from->topics->status, in->m->topic, &in->vars);

	if (in->m->reject != NULL)
		return reject(in, in->m->reject, "the message cannot be taken", err);
	if (!status && is_other_traffic(from->topics, in->m->topic))
		return 0;
	if (!status && !find_source(from, in->m->topic, &in->vars))
		return reject(in, "topic", "no template tells whose it is", err);
	in->known = device_cache_find(from->devices, in->db, in->vars.v[TOPIC_DEVICE_ID]);
	if (in->known == NULL)
		return reject(
		    in, "id", "no device with this id, or MQTT is off for it", err);
	in->device = in->known->id;
	return status ? take_status(in, err) : take_readings(in, from->keys, err);
}

int
store_message(
    struct db *db, const struct store_message *from, const struct msg *m, struct err *err)
{
	struct incoming in = {.db = db, .m = m};
	int failed;

	put_time(in.received, m->received_us);
	failed = take(&in, from, err);
	while (in.count > 0)
		free(in.values[--in.count].sensor);
	free(in.values);
	while (in.moments_n > 0)
		free(in.moments[--in.moments_n].metadata);
	free(in.moments);
	buf_release(&in.wrong);
	return failed ? -1 : 0;
}
