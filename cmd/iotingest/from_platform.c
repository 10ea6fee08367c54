/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/from_platform.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"

static int
ask(const struct args *a, const char *resource, struct buf *answer, struct err *err)
{
	return iotctl_child_list(
	    a->common.config, a->common.context, resource, answer, err);
}

static void
take_topic(struct from_platform *p, struct span topic)
{
	char *direction = iotctl_child_text(topic, "tipo");
	char *pattern = iotctl_child_text(topic, "topic_pattern");

	if (direction != NULL && pattern != NULL && strcmp(direction, "subscribe") != 0)
		strv_add(&p->topics, pattern);
	free(direction);
	free(pattern);
}

static int
ask_topics(struct from_platform *p, const struct args *a, struct err *err)
{
	struct buf answer = {0};
	struct span rest, topic;
	int failed = ask(a, "topic", &answer, err);

	rest = buf_as_span(&answer);
	while (!failed && iotctl_child_next(&rest, &topic))
		take_topic(p, topic);
	buf_release(&answer);
	if (!failed && p->topics.n == 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("--from-platform: the platform has no topic that devices publish "
		      "to; see 'iotctl topic list'"));
	return failed;
}

/* The one broker that is in use. */
static int
ask_broker(struct from_platform *p, const struct args *a, struct err *err)
{
	struct buf answer = {0}, names = {0};
	struct span rest, broker, chosen = {0};
	size_t active = 0;
	int failed = ask(a, "broker", &answer, err);

	rest = buf_as_span(&answer);
	while (!failed && iotctl_child_next(&rest, &broker)) {
		if (!iotctl_child_is_true(broker, "is_active"))
			continue;
		buf_puts(&names, active++ != 0 ? ", " : "");
		json_member_string(broker, "nombre", &names);
		chosen = broker;
	}
	if (!failed && active == 1)
		failed = iotctl_child_broker_read(&p->broker, chosen, err);
	else if (!failed && active == 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("--from-platform: the platform has no active broker: name one "
		      "with -h or -L"));
	else if (!failed)
		failed = err_set(err, ERR_USAGE,
		    _("--from-platform: the platform has %zu active brokers (%s): name "
		      "one with -h or -L"),
		    active, buf_str(&names));
	buf_release(&answer);
	buf_release(&names);
	return failed;
}

int
from_platform_ask(struct from_platform *p, const struct args *a, struct err *err)
{
	if (ask_topics(p, a, err))
		return -1;
	if (a->mqtt.host != NULL || a->mqtt.url != NULL)
		return 0;
	return ask_broker(p, a, err);
}

void
from_platform_release(struct from_platform *p)
{
	strv_release(&p->topics);
	iotctl_child_broker_release(&p->broker);
}
