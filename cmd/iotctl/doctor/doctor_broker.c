/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The brokers, each looked at once, and the devices' logins, under client ids that no device has. */
#include "iotctl/doctor/doctor.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotctl/mqtt/target.h"

/* Our own login may not be known: then the broker is only knocked at. */
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
look_at(struct doctor_brokers *k, struct doctor_broker *b, struct err *err)
{
	struct session_opts o = {0};

	if (target_connection(k->c, b->t, &o, &b->err))
		return 0;
	if (broker_probe_run(k->c, &o, how_far(b->t, &o), &b->probe, err))
		return -1;
	b->qos = highest_qos(&b->probe);
	return 0;
}

struct doctor_broker *
doctor_broker_check(struct doctor_brokers *k, json_int_t id, struct err *err)
{
	struct doctor_broker *b;
	char *name;
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (k->brokers[i].id == id)
			return &k->brokers[i];
	}
	k->brokers = xreallocarray(k->brokers, k->n + 1, sizeof(*k->brokers));
	b = &k->brokers[k->n++];
	*b = (struct doctor_broker){.id = id, .qos = -1, .t = xcalloc(1, sizeof(*b->t))};
	name = xasprintf("id:%" JSON_INTEGER_FORMAT, id);
	if (id != 0)
		b->name =
		    view_text_of(view_by_id(&k->view, VIEW_BROKERS, "id", id), "nombre");
	if (id == 0 || target_broker(k->c, name, b->t, &b->err) == 0)
		id = look_at(k, b, err) ? -1 : 0;
	else
		id = 0;
	free(name);
	return id == 0 ? b : NULL;
}

int
doctor_broker_login(struct doctor_brokers *k, struct doctor_broker *b,
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
doctor_brokers_release(struct doctor_brokers *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->brokers[i].name);
		broker_probe_release(&k->brokers[i].probe);
		target_release(k->brokers[i].t);
		free(k->brokers[i].t);
	}
	free(k->brokers);
	password_file_release(&k->file);
	topic_set_release(&k->topics);
	view_release(&k->view);
}
