/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/from_platform.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "exec/iotctl_child.h"
#include "model/topic_set.h"

struct asked {
	struct strv *topics;
	struct topic_set known;
	bool readings; /* topics of nothing else are wanted */
};

static bool
is_same_filter(const struct topic *a, const struct topic *b)
{
	char *one = topic_filter(a), *other = topic_filter(b);
	bool same = strcmp(one, other) == 0;

	free(one);
	free(other);
	return same;
}

/* Whether a pattern is the template of what is no reading. */
static bool
is_of_others(const struct topic_set *known, const char *pattern)
{
	const struct topic *const others[] = {
	    known->status, known->commands, known->responses, known->alerts};
	struct err err = {0};
	struct topic *t = NULL;
	size_t i = 0;

	/* What is no template is told when it is subscribed to. */
	if (topic_compile(&t, pattern, &err))
		return false;
	while (i < ARRAY_LEN(others) && !is_same_filter(t, others[i]))
		i++;
	topic_free(t);
	return i < ARRAY_LEN(others);
}

static int
take_topic(void *arg, struct span topic, struct err *err)
{
	struct asked *asked = arg;
	char *direction = iotctl_child_text(topic, "tipo");
	char *pattern = iotctl_child_text(topic, "topic_pattern");

	(void)err;
	if (direction == NULL || pattern == NULL || strcmp(direction, "subscribe") == 0)
		;
	else if (asked->readings && is_of_others(&asked->known, pattern))
		log_info(_("--from-platform: '%s' has no readings"), pattern);
	else
		strv_add(asked->topics, pattern);
	free(direction);
	free(pattern);
	return 0;
}

static int
ask_topics(struct from_platform *p, const struct args *a, struct err *err)
{
	struct asked asked = {.topics = &p->topics, .readings = a->readings};
	int failed = topic_set_compile(&asked.known, &a->topics, err) ||
	    iotctl_child_list(
		a->common.config, a->common.context, "topic", take_topic, &asked, err);

	topic_set_release(&asked.known);
	if (failed || p->topics.n > 0)
		return failed ? -1 : 0;
	return err_set(err, ERR_NOT_FOUND,
	    a->readings ? _("--from-platform --readings: the platform has no topic of "
			    "readings; see 'iotctl topic list'")
			: _("--from-platform: the platform has no topic that devices "
			    "publish to; see 'iotctl topic list'"));
}

/* Those that are in use. */
struct active {
	struct buf last, names;
	size_t n;
};

static int
take_broker(void *arg, struct span broker, struct err *err)
{
	struct active *active = arg;

	(void)err;
	if (!iotctl_child_is_true(broker, "is_active"))
		return 0;
	buf_puts(&active->names, active->n++ != 0 ? ", " : "");
	json_member_string(broker, "nombre", &active->names);
	buf_clear(&active->last);
	buf_span(&active->last, broker);
	return 0;
}

/* The one broker that is in use. */
static int
ask_broker(struct from_platform *p, const struct args *a, struct err *err)
{
	struct active active = {0};
	int failed = iotctl_child_list(
	    a->common.config, a->common.context, "broker", take_broker, &active, err);

	if (!failed && active.n == 1)
		failed = broker_address_read(&p->broker, buf_as_span(&active.last), err)
		    ? err_in(err, "--from-platform")
		    : 0;
	else if (!failed && active.n == 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    _("--from-platform: the platform has no active broker: name one "
		      "with -h or -L"));
	else if (!failed)
		failed = err_set(err, ERR_USAGE,
		    P_("--from-platform: the platform has %zu active broker (%s): name "
		       "one with -h or -L",
			"--from-platform: the platform has %zu active brokers (%s): name "
			"one with -h or -L",
			active.n),
		    active.n, buf_str(&active.names));
	buf_release(&active.last);
	buf_release(&active.names);
	return failed;
}

int
from_platform_ask(struct from_platform *p, const struct args *a, struct err *err)
{
	if (ask_topics(p, a, err))
		return -1;
	if (mqtt_options_name_broker(&a->mqtt))
		return 0;
	return ask_broker(p, a, err);
}

void
from_platform_release(struct from_platform *p)
{
	strv_release(&p->topics);
	broker_address_release(&p->broker);
}
