/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotstatus/source/source.h"

/* EMQX allows up to 10,000 a page. A smaller one is answered sooner, so that less changes meanwhile. */
enum { PAGE = 1000, PAGES_MAX = 100000 };

/* A tenth of what EMQX tells of a client otherwise; one that does not know `fields` tells all. */
#define FIELDS "clientid,username,connected,connected_at,disconnected_at"

struct reader {
	struct device_table *fleet;
	enum view view;
	struct buf id, login, text;
};

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
	static const char prefix[] = "device_";
	struct device *d = device_table_find(r->fleet, buf_as_span(&r->id));
	const char *login = buf_str(&r->login);

	if ((d == NULL || !d->listed) &&
	    strncmp(login, prefix, sizeof(prefix) - 1) == 0) {
		struct device *named =
		    device_table_find(r->fleet, span_of(login + sizeof(prefix) - 1));

		if (named != NULL && named->listed)
			return named;
	}
	return d != NULL ? d : device_table_get(r->fleet, buf_as_span(&r->id));
}

static int
read_client(struct reader *r, struct span client, struct err *err)
{
	struct span connected;
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
	s = &device_of(r)->reported[r->view];
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

int
source_emqx_clients(
    struct rest *api, struct device_table *f, enum view view, struct err *err)
{
	struct reader r = {.fleet = f, .view = view};
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
	buf_release(&r.id);
	buf_release(&r.login);
	buf_release(&r.text);
	return failed ? -1 : 0;
}
