/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk through a payload, in its order, bytes kept. */
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "msg/device_reading_int.h"

/* Values nested deeper than this are no readings; the walk's stack stays small. */
enum { DEPTH_MAX = 16, PAIRS = 32 };

struct walk {
	const struct reading_source *from;
	const struct reading_keys *keys; /* NULL: none were named */
	bool (*fn)(void *arg, const struct reading *r);
	void *arg;
	struct reading_report *report;
	struct reading reading;
	struct buf name;   /* dotted path so far */
	struct buf made;   /* characters of a claim, or the JSON of a word */
	struct buf mended; /* with values that were no JSON; empty: there was none */
	size_t values;     /* of this payload */
	bool in_sensors;   /* names begin below that member */
	bool escapes;      /* there are some */
};

/* A string's characters: those between its quotes, if none is escaped, else unescaped into `b`. */
static inline struct span
characters(struct span string, bool escapes, struct buf *b)
{
	if (!escapes)
		return json_between_quotes(string);
	buf_clear(b);
	json_unescape(b, string);
	return buf_as_span(b);
}

static inline bool
is_scalar(struct span value)
{
	return *value.p != '{' && *value.p != '[';
}

/* The members of an object one by one: those that a scan found, if it kept them all. */
struct members {
	const struct json_scan *found; /* NULL: by `it` */
	size_t at;
	struct json_iter it;
};

static inline void
members_begin(struct members *m, struct span object, const struct json_scan *found)
{
	m->found = found;
	m->at = 0;
	if (found == NULL)
		m->it = (struct json_iter){.value = object};
}

static inline bool
next_member(struct members *m, struct json_pair *next)
{
	if (m->found != NULL) {
		if (m->at == m->found->members)
			return false;
		*next = m->found->pairs[m->at++];
		return true;
	}
	if (!json_next(&m->it))
		return false;
	*next = (struct json_pair){m->it.key, m->it.item};
	return true;
}

/* What is wrong is told by its name, which may be of any length. */
static __attribute__((noinline, cold)) void
tell_wrong(struct walk *w, struct span name, const char *error)
{
	struct reading_report *r = w->report;

	if (r->error == NULL)
		r->error = error;
	if (r->wrong.n >= READING_WRONG)
		return;
	if (r->wrong.n != 0)
		buf_putc(&r->wrong, ',');
	if (name.n > READING_NAME)
		name.n = utf8_cut(name.p, READING_NAME);
	json_put_text(&r->wrong, name);
}

/* What device_reading_mend put there. */
static bool
is_mended(const struct walk *w, struct span value)
{
	return w->mended.n != 0 && *value.p == '0' &&
	    w->from->payload.p[value.p - w->mended.p] != '0';
}

/* Why a value of this name cannot be a reading, or NULL. */
static inline const char *
objection(const struct walk *w, struct span name, struct span value)
{
	if (w->values > READING_VALUES || name.n > READING_NAME ||
	    (w->escapes && memchr(name.p, '\0', name.n) != NULL) || is_mended(w, value))
		return "range";
	return NULL;
}

/* It has another use, or none. */
static inline bool
is_no_sensor(const struct walk *w, struct span name)
{
	return w->keys != NULL && device_reading_keys_have(w->keys, name, w->in_sensors);
}

/* A value, or a container in its place, that is a sensor's. Beyond the limit the first is told. */
static inline bool
is_counted(struct walk *w, struct span name)
{
	return !is_no_sensor(w, name) && ++w->values <= READING_VALUES + 1;
}

static inline void
give(struct walk *w, struct span name, struct span value)
{
	const char *error;

	if (!is_counted(w, name))
		return;
	error = objection(w, name, value);
	w->reading.sensor = name;
	w->reading.value = value;
	if (error == NULL && w->fn(w->arg, &w->reading))
		w->report->count++;
	else
		tell_wrong(w, name, error != NULL ? error : "range");
}

static void
push_name(struct walk *w, struct span name)
{
	if (w->name.n != 0)
		buf_putc(&w->name, '.');
	json_unescape(&w->name, name);
}

static void
push_number(struct walk *w, size_t number)
{
	if (w->name.n != 0)
		buf_putc(&w->name, '.');
	buf_u64(&w->name, number);
}

/* The values of a container whose path is w->name, in order. */
static void
walk_container(struct walk *w, struct span value, int depth)
{
	struct json_iter it = {.value = value};
	size_t base = w->name.n;
	size_t index;

	if (depth == DEPTH_MAX) {
		if (is_counted(w, buf_as_span(&w->name)))
			tell_wrong(w, buf_as_span(&w->name), "shape");
		return;
	}
	for (index = 0; json_next(&it); index++) {
		if (it.key.p != NULL)
			push_name(w, it.key);
		else
			push_number(w, index);
		if (is_scalar(it.item))
			give(w, buf_as_span(&w->name), it.item);
		else
			walk_container(w, it.item, depth + 1);
		w->name.n = base;
	}
	if (index == 0)
		give(w, buf_as_span(&w->name), *value.p == '{' ? SPAN("{}") : SPAN("[]"));
}

static inline __attribute__((always_inline)) void
walk_member(struct walk *w, struct span name, struct span value)
{
	if (is_scalar(value)) {
		give(w, characters(name, w->escapes, &w->name), value);
	} else {
		push_name(w, name);
		walk_container(w, value, 1);
	}
	w->name.n = 0;
}

/* {"name":"temperature","value":21.5} of a list: by its name, what else it has below that. False: it is none. */
static bool
walk_named(struct walk *w, struct span item)
{
	struct json_iter it = {.value = item};
	struct span name, value;

	if (!json_member(item, "name", &name) || !json_member(item, "value", &value) ||
	    json_kind(name) != JSON_KIND_STRING)
		return false;
	w->report->by_value = true;
	push_name(w, name);
	while (json_next(&it)) {
		size_t base = w->name.n;

		if (it.item.p == name.p)
			continue;
		if (it.item.p != value.p)
			push_name(w, it.key);
		if (is_scalar(it.item))
			give(w, buf_as_span(&w->name), it.item);
		else
			walk_container(w, it.item, 2);
		w->name.n = base;
	}
	w->name.n = 0;
	return true;
}

static void
walk_sensors(struct walk *w, struct span sensors)
{
	struct json_iter it = {.value = sensors};
	size_t i;

	w->in_sensors = true;
	for (i = 0; !is_scalar(sensors) && json_next(&it); i++) {
		if (it.key.p != NULL) {
			walk_member(w, it.key, it.item);
		} else if (json_kind(it.item) != JSON_KIND_OBJECT ||
		    !walk_named(w, it.item)) {
			push_number(w, i);
			if (is_scalar(it.item))
				give(w, buf_as_span(&w->name), it.item);
			else
				walk_container(w, it.item, 1);
			w->name.n = 0;
		}
	}
	w->in_sensors = false;
	if (is_scalar(sensors))
		tell_wrong(w, SPAN("sensors"), "shape");
}

/* The guide's own members. */
enum envelope { ENVELOPE_NONE, ENVELOPE_TIME, ENVELOPE_DEVICE, ENVELOPE_SENSORS };

static inline enum envelope
envelope_of(struct walk *w, struct span name)
{
	const struct span s = characters(name, w->escapes, &w->name);

	w->name.n = 0;
	if (s.n == 9 && memcmp(s.p, "timestamp", 9) == 0)
		return ENVELOPE_TIME;
	if (s.n == 9 && memcmp(s.p, "device_id", 9) == 0)
		return ENVELOPE_DEVICE;
	return s.n == 7 && memcmp(s.p, "sensors", 7) == 0 ? ENVELOPE_SENSORS
							  : ENVELOPE_NONE;
}

bool
device_reading_claim_differs(struct span claim, struct span device_id)
{
	struct buf b = {0};
	bool differs = true;

	if (device_id.p == NULL || claim.p == NULL || json_kind(claim) == JSON_KIND_NULL)
		return false;
	if (json_kind(claim) == JSON_KIND_NUMBER)
		return !span_eq(claim, device_id);
	if (json_kind(claim) == JSON_KIND_STRING) {
		differs = !span_eq(
		    characters(claim, memchr(claim.p, '\\', claim.n) != NULL, &b),
		    device_id);
		buf_release(&b);
	}
	return differs;
}

/* The id that a payload claims where the topic has none. */
static void
take_claim(struct walk *w, struct span claim)
{
	enum json_kind kind = json_kind(claim);
	struct span id = claim;

	if (kind == JSON_KIND_NONE || kind == JSON_KIND_NULL)
		return;
	if (kind == JSON_KIND_STRING)
		id = characters(claim, w->escapes, &w->made);
	if ((kind == JSON_KIND_STRING || kind == JSON_KIND_NUMBER) &&
	    id.n <= READING_NAME && !is_mended(w, claim))
		w->reading.device_id = id;
	else
		tell_wrong(w, SPAN("device_id"), "id");
}

static void
take_time(struct walk *w, struct span time)
{
	if (time.p != NULL &&
	    (!is_scalar(time) || time.n > READING_TIMESTAMP || is_mended(w, time)))
		tell_wrong(w, SPAN("timestamp"), "range");
	else
		w->reading.timestamp = time;
}

static inline bool
differs(const struct walk *w, struct span claim)
{
	const struct span id = w->from->device_id;

	if (id.p == NULL ||
	    (!w->escapes && *claim.p == '"' && claim.n == id.n + 2 &&
		memcmp(claim.p + 1, id.p, id.n) == 0))
		return false;
	return device_reading_claim_differs(claim, id) || is_mended(w, claim);
}

static __attribute__((noinline)) void
find_named(const struct walk *w, struct span object, struct reading_member *device,
    struct reading_member *time)
{
	const struct span id = w->from->device_id;
	struct reading_member named;

	if (device_reading_keys_find(&w->keys->time, object, id, &named))
		*time = named;
	if (device_reading_keys_find(&w->keys->device, object, id, &named))
		*device = named;
}

/* A payload's own members. Returns how many of them are `sensors`; *sensors is the last. */
static size_t
read_envelope(struct walk *w, struct span object, const struct json_scan *found,
    struct span *sensors)
{
	struct reading_member device = {0}, time = {0};
	struct members m;
	struct json_pair next;
	size_t n = 0;

	members_begin(&m, object, found);
	while (next_member(&m, &next)) {
		enum envelope what = envelope_of(w, next.name);

		if (what == ENVELOPE_TIME) {
			time.value = next.value;
		} else if (what == ENVELOPE_DEVICE) {
			device.value = next.value;
			device.differs |= differs(w, next.value);
		} else if (what == ENVELOPE_SENSORS) {
			*sensors = next.value;
			n++;
		}
	}
	if (w->keys != NULL)
		find_named(w, object, &device, &time);
	w->reading.id_mismatch = device.differs;
	w->reading.device_id = w->from->device_id;
	w->reading.timestamp = (struct span){0};
	if (w->from->device_id.p == NULL)
		take_claim(w, device.value);
	take_time(w, time.value);
	return n;
}

/* One payload; `found` are all members of it, or NULL. */
static void
walk_object(struct walk *w, struct span object, const struct json_scan *found)
{
	struct span sensors;
	struct members m;
	struct json_pair next;
	size_t n = read_envelope(w, object, found, &sensors);

	w->values = 0;
	if (n == 1) {
		walk_sensors(w, sensors);
		return;
	}
	members_begin(&m, object, found);
	while (next_member(&m, &next)) {
		enum envelope what = envelope_of(w, next.name);

		if (what == ENVELOPE_NONE && n == 0)
			walk_member(w, next.name, next.value);
		else if (what == ENVELOPE_SENSORS)
			walk_sensors(w, next.value);
	}
}

/* Several payloads: what is none of them is wrong, by its number. */
static void
walk_list(struct walk *w, struct span list)
{
	struct json_iter it = {.value = list};
	struct buf number = {0};
	size_t i;

	for (i = 0; i <= READING_PAYLOADS && json_next(&it); i++) {
		size_t before = w->report->count + w->report->wrong.n;

		w->reading.payload = i;
		if (i < READING_PAYLOADS && json_kind(it.item) == JSON_KIND_OBJECT)
			walk_object(w, it.item, NULL);
		if (before != w->report->count + w->report->wrong.n)
			continue;
		buf_clear(&number);
		buf_u64(&number, i);
		tell_wrong(
		    w, buf_as_span(&number), i < READING_PAYLOADS ? "shape" : "range");
	}
	buf_release(&number);
}

/* What is neither object nor list: the topic names it. */
static void
give_bare(struct walk *w, struct span value)
{
	w->reading.device_id = w->from->device_id;
	if (w->from->sensor_type.p != NULL)
		give(w, w->from->sensor_type, value);
}

/* No JSON: NULL when it could be read all the same, else the word. */
static const char *
read_text(struct walk *w)
{
	struct span payload = w->from->payload, word;

	if (w->from->sensor_type.p == NULL || !device_reading_word(payload, &word))
		return utf8_is_valid(payload.p, payload.n) ? "json" : "utf8";
	if (device_reading_is_no_number(word)) {
		tell_wrong(w, w->from->sensor_type, "range");
		return NULL;
	}
	json_put_string(&w->made, word);
	give_bare(w, buf_as_span(&w->made));
	return NULL;
}

static const char *
read_payload(struct walk *w)
{
	struct json_pair pairs[PAIRS];
	struct json_scan found;
	struct span payload = w->from->payload;

	found.pairs = pairs;
	found.room = ARRAY_LEN(pairs);
	found.depth = JSON_TAKEN;
	if (!json_scan(payload, &found)) {
		if (!device_reading_mend(&w->mended, payload) ||
		    !json_scan(buf_as_span(&w->mended), &found))
			return read_text(w);
	}
	w->escapes = found.escapes;
	switch (json_kind(found.value)) {
	case JSON_KIND_OBJECT:
		walk_object(w, found.value, found.members <= found.room ? &found : NULL);
		break;
	case JSON_KIND_ARRAY: walk_list(w, found.value); break;
	default: give_bare(w, found.value); break;
	}
	return NULL;
}

const char *
device_reading_each(const struct reading_source *from,
    bool (*fn)(void *arg, const struct reading *r), void *arg,
    struct reading_report *report)
{
	const struct reading_keys *k = from->keys;
	struct walk w = {.from = from,
	    .keys = k != NULL && device_reading_keys_any(k) ? k : NULL,
	    .fn = fn,
	    .arg = arg,
	    .report = report};
	const char *error;

	report->count = 0;
	report->error = NULL;
	report->by_value = false;
	report->wrong.n = 0;
	error = read_payload(&w);
	if (error == NULL && report->count == 0)
		error = report->error != NULL ? report->error : "shape";
	buf_release(&w.name);
	buf_release(&w.made);
	buf_release(&w.mended);
	return error;
}

void
device_reading_release(struct reading_report *r)
{
	buf_release(&r->wrong);
	*r = (struct reading_report){0};
}
