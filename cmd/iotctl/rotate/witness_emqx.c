/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EMQX knows since when a client is connected, and keeps its connection when its password changes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/rotate/witness.h"
#include "iotctl/sync/sync_emqx_setup.h"

enum { PAUSE = 500 }; /* ms between two questions */

struct asking {
	struct emqx_api *api; /* the driver's */
	struct loop *loop;
	struct loop_timer timer;
};

/* One question for the connections of the batch, and what is done with each that is up. */
struct question {
	struct rollout *r;
	void (*fn)(struct rollout_device *d, const char *since);
};

static void
take_client(void *arg, const json_t *one)
{
	const struct question *q = arg;
	const char *id = json_string_value(json_object_get(one, "clientid"));
	const char *user = json_string_value(json_object_get(one, "username"));
	const char *since = json_string_value(json_object_get(one, "connected_at"));
	size_t i;

	if (id == NULL || user == NULL || since == NULL ||
	    !json_is_true(json_object_get(one, "connected")))
		return;
	for (i = q->r->from; i < q->r->to; i++) {
		struct rollout_device *d = &q->r->v[i];

		if (strcmp(id, d->client_id) == 0 &&
		    strcmp(user, q->r->sync.v[d->user].username) == 0)
			q->fn(d, since);
	}
}

static int
ask(struct rollout *r, void (*fn)(struct rollout_device *d, const char *since),
    struct err *err)
{
	struct asking *a = r->own;
	struct question q = {.r = r, .fn = fn};
	struct buf path = {0};
	size_t i;
	int failed;

	buf_puts(&path, "/clients?fields=clientid,username,connected,connected_at");
	for (i = r->from; i < r->to; i++) {
		buf_puts(&path, "&username=");
		rest_url_escape(&path, span_of(r->sync.v[r->v[i].user].username));
	}
	failed = emqx_api_each(a->api, buf_str(&path), take_client, &q, err);
	buf_release(&path);
	return failed;
}

static void
see(struct rollout_device *d, const char *since)
{
	if (d->stage == PASSWORD_FILE_SENT)
		return;
	free(d->seen);
	d->seen = xstrdup(since);
}

/* One that was made while EMQX changed the password may have been made with either. */
static void
see_again(struct rollout_device *d, const char *since)
{
	d->maybe = d->changed && strcmp(since, d->seen != NULL ? d->seen : "") != 0;
	see(d, since);
}

static void
look_if_new(struct rollout_device *d, const char *since)
{
	if (d->stage == PASSWORD_FILE_SENT &&
	    strcmp(since, d->seen != NULL ? d->seen : "") != 0)
		d->came = true;
}

static int
before(struct rollout *r, struct err *err)
{
	struct asking *a = r->own = xcalloc(1, sizeof(*a));
	struct sync_emqx *driver = r->sync.own;
	size_t i;

	a->api = &driver->api;
	a->loop = r->c->loop;
	/* Of who is not connected nothing is seen. */
	for (i = r->from; i < r->to; i++) {
		if (r->v[i].stage == PASSWORD_FILE_SENT)
			continue;
		free(r->v[i].seen);
		r->v[i].seen = xstrdup("");
	}
	return ask(r, see, err);
}

/* Those that an earlier run has changed, and that are as they were, have to come now. */
static int
kick_seen(struct rollout *r, struct err *err)
{
	struct asking *a = r->own;
	json_t *ids = json_array();
	size_t i;
	int failed;

	failed = ask(r, look_if_new, err);
	for (i = r->from; i < r->to; i++) {
		const struct rollout_device *d = &r->v[i];

		if (d->stage == PASSWORD_FILE_SENT && !d->came && d->seen != NULL &&
		    d->seen[0] != '\0')
			json_array_append_new(ids, json_string(d->client_id));
	}
	if (!failed && json_array_size(ids) != 0)
		failed = emqx_api_call(
		    a->api, "POST", "/clients/kickout/bulk", json_incref(ids), NULL, err);
	json_decref(ids);
	return failed;
}

/* With --kick EMQX has ended their connections since it has the passwords: each that is up is another than before. */
static int
after(struct rollout *r, struct err *err)
{
	return r->c->args->kick ? kick_seen(r, err) : ask(r, see_again, err);
}

static bool
all_came(const struct rollout *r)
{
	size_t i;

	for (i = r->from; i < r->to; i++) {
		if (r->v[i].stage == PASSWORD_FILE_SENT && !r->v[i].came)
			return false;
	}
	return true;
}

static void
on_pause(void *arg)
{
	struct asking *a = arg;

	loop_stop(a->loop);
}

static int
wait_for_all(struct rollout *r, int64_t ms, struct err *err)
{
	struct asking *a = r->own;
	const int64_t until = loop_now(a->loop) + ms;

	for (;;) {
		if (ask(r, look_if_new, err))
			return -1;
		if (all_came(r) || loop_now(a->loop) >= until)
			return 0;
		loop_timer_set(a->loop, &a->timer, PAUSE, on_pause, a);
		if (loop_run(a->loop, err))
			return -1;
		loop_timer_stop(&a->timer);
	}
}

/* A client that EMQX kicks has its will sent: statuses are right. */
static void
end(struct rollout *r)
{
	free(r->own);
	r->own = NULL;
}

const struct witness witness_emqx = {
    .before = before, .after = after, .wait = wait_for_all, .end = end};
