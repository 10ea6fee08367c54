/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a deleted device leaves on the broker: its last status, for everybody who looks. */
#include "iotctl/mqtt/retained.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotctl/mqtt/one_shot.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/output/cell.h"

/* Taking one status away. */
struct clearing {
	struct one_shot shot;
	char *topic;
};

static void
on_up(void *arg)
{
	struct clearing *w = arg;
	struct session_pub p = {.topic = w->topic, .qos = 1, .retain = true};

	one_shot_publish(&w->shot, &p);
}

static void
on_published(void *arg, int reason)
{
	struct clearing *w = arg;

	(void)reason;
	one_shot_done(&w->shot);
}

static void
on_late(void *arg)
{
	struct clearing *w = arg;
	struct err err;

	err_set(&err, ERR_TIMEOUT, _("%s did not acknowledge it"),
	    session_broker(w->shot.session));
	one_shot_fail(&w->shot, &err);
}

/* Who deletes a hundred devices knows it then. */
static void
say_once(void)
{
	static bool said;

	if (!said)
		log_warn(
		    _("retained statuses of deleted devices stay on the broker: give "
		      "--mqtt-url to clear them"));
	said = true;
}

static void
clear(struct ctl *c, const char *device)
{
	static const struct one_shot_events events = {
	    .up = on_up, .published = on_published, .late = on_late};
	struct clearing w = {.shot.nested = true};
	struct target t = {0};
	struct session_opts o = {0};
	struct topic_set topics = {0};
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};
	struct err err = {0};

	if (!target_has_broker(c)) {
		say_once();
		return;
	}
	if (topic_set_compile(&topics, &c->args->topics, &err) ||
	    topic_expand(topics.status, &vars, &w.topic, &err) ||
	    target_connection(c, &t, &o, &err) ||
	    one_shot_run(&w.shot, c->loop, &o, &events, &w, c->args->api.timeout, &err))
		log_warn(_("the retained status of '%s' stays on the broker: %s"), device,
		    err.text);
	topic_set_release(&topics);
	target_release(&t);
	free(w.topic);
}

void
retained_clear(struct ctl *c, const struct schema_resource *r, struct span object)
{
	struct buf id = {0};

	if (strcmp(r->name, "device") == 0 &&
	    cell_member(object, "identificador_unico", &id))
		clear(c, buf_str(&id));
	buf_release(&id);
}
