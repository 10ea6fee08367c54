/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/doctor/broker_cache.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/mqtt/target.h"

/* Our own login may not be known: then the broker is probed up to where it would ask for one. */
static enum broker_probe_stage
how_far(const struct target *t, const struct session_opts *o)
{
	bool needs_login = t->broker.username != NULL && t->broker.username[0] != '\0';

	return needs_login && o->password == NULL ? BROKER_PROBE_TLS : BROKER_PROBE_QOS_2;
}

static int
highest_qos(const struct broker_probe *p)
{
	int qos = -1;
	int i;

	for (i = BROKER_PROBE_QOS_0; i <= BROKER_PROBE_QOS_2; i++) {
		if (p->v[i].state == BROKER_PROBE_OK && p->v[i].detail == NULL)
			qos = i - BROKER_PROBE_QOS_0;
	}
	return qos;
}

static int
probe(struct broker_cache *k, struct cached_broker *b, struct err *err)
{
	struct session_opts o = {0};

	if (target_connection(k->c, b->t, &o, &b->err))
		return 0;
	if (broker_probe_run(k->c, &o, how_far(b->t, &o), &b->probe, err))
		return -1;
	b->qos = highest_qos(&b->probe);
	return 0;
}

struct cached_broker *
broker_cache_get(struct broker_cache *k, json_int_t id, struct err *err)
{
	struct cached_broker *b;
	char *name;
	size_t i;
	int failed = 0;

	for (i = 0; i < k->n; i++) {
		if (k->v[i].id == id)
			return &k->v[i];
	}
	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	b = &k->v[k->n++];
	*b = (struct cached_broker){.id = id, .qos = -1, .t = xcalloc(1, sizeof(*b->t))};
	name = xasprintf("id:%" JSON_INTEGER_FORMAT, id);
	if (id != 0)
		b->name =
		    view_text_of(view_by_id(k->view, VIEW_BROKERS, "id", id), "nombre");
	if (id == 0 || target_broker(k->c, name, b->t, &b->err) == 0)
		failed = probe(k, b, err);
	free(name);
	return failed ? NULL : b;
}

int
broker_cache_login(struct broker_cache *k, struct cached_broker *b,
    const struct credential *login, struct broker_probe_result *out, struct err *err)
{
	struct session_opts o = {0};
	struct broker_probe p = {0};
	int failed = target_connection(k->c, b->t, &o, err);

	if (!failed) {
		o.username = login->username;
		o.password = login->password;
		o.cert = login->cert != NULL ? login->cert : o.cert;
		o.key = login->cert != NULL ? login->key : o.key;
		failed = broker_probe_mqtt(k->c, &o, BROKER_PROBE_CONNACK, &p, err);
	}
	*out = p.v[BROKER_PROBE_CONNACK];
	p.v[BROKER_PROBE_CONNACK].detail = NULL;
	broker_probe_release(&p);
	return failed;
}

void
broker_cache_release(struct broker_cache *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->v[i].name);
		broker_probe_release(&k->v[i].probe);
		target_release(k->v[i].t);
		free(k->v[i].t);
	}
	free(k->v);
}
