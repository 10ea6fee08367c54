/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotstatus/source/source.h"

/* EMQX allows up to 10,000 a page. A smaller one is answered sooner, so that less changes meanwhile. */
enum { PAGE = 1000, PAGES_MAX = 100000 };

/* Each is asked for its subscriptions, one by one. */
enum { STRANGERS_MOST = 64 };

/* A tenth of what EMQX tells of a client otherwise; one that does not know `fields` tells all. */
#define FIELDS "clientid,username,connected,connected_at,disconnected_at"

struct reader {
	struct device_table *fleet;
	const struct topic_set *topics;
	enum view view;
	struct buf id, login, text;
	/* Clients that may be no devices, by index; more than fit are all taken for some. */
	size_t strangers[STRANGERS_MOST], stranger_count;
};

static const char login_prefix[] = "device_";

/* Clients of the toolkit and its like are no devices. */
static bool
is_tool(const char *id)
{
	static const char *const prefixes[] = {"iot-probe-", "iotstatus-", "iotsub-",
	    "iotpub-", "iotingest-", "iotctl-", "iotapi-"};
	static const char suffix[] = ".commands";
	size_t n = strlen(id), i;

	for (i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (strncmp(id, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return n >= sizeof(suffix) - 1 &&
	    strcmp(id + n - (sizeof(suffix) - 1), suffix) == 0;
}

static int64_t
time_of(struct reader *r, struct span client, const char *key)
{
	buf_clear(&r->text);
	return json_member_string(client, key, &r->text) ? source_time(buf_str(&r->text))
							 : 0;
}

/* The platform names logins device_ID; the id at the broker may be anything. */
static struct device *
device_of(struct reader *r)
{
	struct device *d = device_table_find(r->fleet, buf_as_span(&r->id));
	const char *login = buf_str(&r->login);

	if ((d == NULL || !d->listed) &&
	    strncmp(login, login_prefix, sizeof(login_prefix) - 1) == 0) {
		struct device *named = device_table_find(
		    r->fleet, span_of(login + sizeof(login_prefix) - 1));

		if (named != NULL && named->listed)
			return named;
	}
	return d != NULL ? d : device_table_get(r->fleet, buf_as_span(&r->id));
}

/* Neither the API nor its login says that it is a device. */
static void
note_stranger(struct reader *r, const struct device *d)
{
	if (d->listed ||
	    strncmp(buf_str(&r->login), login_prefix, sizeof(login_prefix) - 1) == 0)
		return;
	if (r->stranger_count < STRANGERS_MOST)
		r->strangers[r->stranger_count] = (size_t)(d - r->fleet->v);
	r->stranger_count++;
}

static int
read_client(struct reader *r, struct span client, struct err *err)
{
	struct span connected;
	struct device *d;
	struct device_seen *s;
	bool on;

	buf_clear(&r->id);
	buf_clear(&r->login);
	if (!json_member_string(client, "clientid", &r->id) || r->id.n == 0 ||
	    !json_member(client, "connected", &connected))
		return err_set(err, ERR_PROTOCOL,
		    _("a client of EMQX has no 'clientid' or no 'connected'"));
	if (is_tool(buf_str(&r->id)))
		return 0;
	json_member_string(client, "username", &r->login);
	on = json_kind(connected) == JSON_KIND_TRUE;
	d = device_of(r);
	s = &d->reported[r->view];
	note_stranger(r, d);
	/* Of two sessions that are one device's the living one counts. */
	if (s->known && s->state == PRESENCE_ONLINE && !on)
		return 0;
	*s = (struct device_seen){.known = true,
	    .state = on ? PRESENCE_ONLINE : PRESENCE_OFFLINE,
	    .since = time_of(r, client, on ? "connected_at" : "disconnected_at")};
	/* A connection is a sign of life: EMQX ends those that miss their keep-alive. */
	s->seen = on ? clock_wall_us() : s->since;
	return 0;
}

/* *more: whether another page follows. */
static int
read_page(struct reader *r, struct span body, bool *more, struct err *err)
{
	struct span page, data, meta, next;
	struct json_iter it;

	if (!json_check(body, &page, NULL) || json_kind(page) != JSON_KIND_OBJECT ||
	    !json_member(page, "data", &data) || json_kind(data) != JSON_KIND_ARRAY)
		return err_set(err, ERR_PROTOCOL,
		    _("EMQX's answer to '/api/v5/clients' is no list of clients"));
	it = (struct json_iter){.value = data};
	while (json_next(&it)) {
		if (read_client(r, it.item, err))
			return -1;
	}
	*more = json_member(page, "meta", &meta) && json_kind(meta) == JSON_KIND_OBJECT &&
	    json_member(meta, "hasnext", &next) && json_kind(next) == JSON_KIND_TRUE;
	return 0;
}

/* Whether a filter is one of those that work with all devices: they divide the messages of others among them, or have
 * them all. A device subscribes to what is its own. */
static bool
is_of_consumer(const struct topic_set *topics, const char *filter)
{
	const struct topic *const templates[] = {topics->data, topics->status,
	    topics->commands, topics->responses, topics->alerts};
	const struct topic_vars anybody = {
	    .v = {span_of("anybody"), span_of("any"), span_of("0")}};
	bool is = strncmp(filter, "$share/", 7) == 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(templates) && !is; i++) {
		char *topic = NULL;

		is = topic_has(templates[i], TOPIC_DEVICE_ID) &&
		    topic_expand(templates[i], &anybody, &topic, NULL) == 0 &&
		    topic_filter_matches(filter, span_of(topic));
		free(topic);
	}
	return is;
}

static bool
consumes(struct reader *r, struct span body)
{
	struct json_iter it = {0};

	if (!json_check(body, &it.value, NULL) || json_kind(it.value) != JSON_KIND_ARRAY)
		return false;
	while (json_next(&it)) {
		buf_clear(&r->text);
		if (json_kind(it.item) == JSON_KIND_OBJECT &&
		    json_member_string(it.item, "topic", &r->text) &&
		    is_of_consumer(r->topics, buf_str(&r->text)))
			return true;
	}
	return false;
}

/* Consumers are no devices: while they are away EMQX keeps their sessions, which would be devices that are offline. One that has gone meanwhile (404) stays what it is. */
static int
leave_out_consumers(struct rest *api, struct reader *r, struct err *err)
{
	size_t i;

	for (i = 0; i < r->stranger_count && r->stranger_count <= STRANGERS_MOST; i++) {
		struct device *d = &r->fleet->v[r->strangers[i]];
		struct rest_reply reply = {0};
		struct buf path = {0};
		struct err why = {0};
		int failed;

		buf_puts(&path, "/api/v5/clients/");
		rest_url_escape(&path, span_of(d->id));
		buf_puts(&path, "/subscriptions");
		failed =
		    rest_call(api, "GET", buf_str(&path), (struct span){0}, &reply, &why);
		if (!failed && consumes(r, buf_as_span(&reply.body)))
			d->reported[r->view].known = false;
		rest_reply_release(&reply);
		buf_release(&path);
		if (failed && why.code != ERR_NOT_FOUND) {
			*err = why;
			return -1;
		}
	}
	return 0;
}

int
source_emqx_clients(struct rest *api, const struct topic_set *topics,
    struct device_table *f, enum view view, struct err *err)
{
	struct reader r = {.fleet = f, .topics = topics, .view = view};
	bool more = true;
	int failed = 0, page;

	for (page = 1; !failed && more && page <= PAGES_MAX; page++) {
		struct rest_reply reply = {0};
		char *path = xasprintf(
		    "/api/v5/clients?page=%d&limit=%d&fields=" FIELDS, page, PAGE);

		failed = rest_call(api, "GET", path, (struct span){0}, &reply, err) ||
		    read_page(&r, buf_as_span(&reply.body), &more, err);
		rest_reply_release(&reply);
		free(path);
	}
	failed = failed || leave_out_consumers(api, &r, err);
	buf_release(&r.id);
	buf_release(&r.login);
	buf_release(&r.text);
	return failed ? -1 : 0;
}
