/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint: the best practices of the platform's guide over what the API holds. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/broker_address.h"
#include "model/topic_set.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

enum { KEEPALIVE_LEAST = 30, KEEPALIVE_MOST = 300 };

struct linting {
	struct report report;
	struct topic_set topics;
	size_t found;
};

/* What a rule looks at: one object, with its number where it has one. */
struct rule {
	const char *resource;
	const char *field;
	bool (*broken)(const struct linting *l, struct span object, const char *value);
	const char *advice; /* N_() */
};

static bool
is_pattern(struct span topic, const struct topic *t)
{
	return view_member_is(topic, "topic_pattern", topic_text(t));
}

static bool
bad_keepalive(const struct linting *l, struct span object, const char *value)
{
	int64_t n = strtoll(value, NULL, 10);

	(void)l;
	(void)object;
	return n < KEEPALIVE_LEAST || n > KEEPALIVE_MOST;
}

static bool
is_false(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	(void)object;
	return strcmp(value, "false") == 0;
}

static bool
is_true(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	(void)object;
	return strcmp(value, "true") == 0;
}

static bool
has_tls(struct span broker)
{
	struct broker_address address = {0};
	struct err why = {0};
	bool tls;

	broker_address_read(&address, broker, &why);
	tls = address.tls;
	broker_address_release(&address);
	return tls;
}

/* Where a login is sent, TLS should be. */
static bool
sends_login_openly(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	return value[0] != '\0' && !has_tls(object) &&
	    !view_member_is(object, "host", "localhost") &&
	    !view_member_is(object, "host", "127.0.0.1");
}

static bool
tls_on_plain_port(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	return strcmp(value, "1883") == 0 && has_tls(object);
}

static bool
weak_command(const struct linting *l, struct span object, const char *value)
{
	return is_pattern(object, l->topics.commands) && strcmp(value, "2") != 0;
}

static bool
lossy_or_costly(const struct linting *l, struct span object, const char *value)
{
	return is_pattern(object, l->topics.data) && strcmp(value, "1") != 0;
}

static bool
not_qos_1(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	(void)object;
	return strcmp(value, "1") != 0;
}

static bool
retained_no_status(const struct linting *l, struct span object, const char *value)
{
	return strcmp(value, "true") == 0 && !is_pattern(object, l->topics.status);
}

static bool
status_not_retained(const struct linting *l, struct span object, const char *value)
{
	return strcmp(value, "false") == 0 && is_pattern(object, l->topics.status);
}

static bool
no_hierarchy(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	(void)object;
	return strchr(value, '/') == NULL || value[0] == '/' ||
	    strstr(value, "{device_id}") == NULL;
}

static bool
too_often(const struct linting *l, struct span object, const char *value)
{
	(void)l;
	(void)object;
	return strtoll(value, NULL, 10) < 1;
}

#define QOS_OF_READINGS N_("readings go at QoS 1: 0 loses some, 2 costs more")
#define RETAIN_OF_OTHERS N_("only status messages are retained")

static const struct rule rules[] = {
    {"broker", "keepalive", bad_keepalive,
	N_("60 s is a good balance; under 30 s costs traffic, over 300 s finds losses "
	   "late")},
    {"broker", "clean_session", is_false,
	N_("clean sessions suit devices that come and go")},
    {"broker", "username", sends_login_openly,
	N_("its login crosses the network without TLS")},
    {"broker", "port", tls_on_plain_port, N_("TLS is usually at 8883, not 1883")},
    {"topic", "qos", weak_command, N_("commands go at QoS 2: each arrives once")},
    {"topic", "qos", lossy_or_costly, QOS_OF_READINGS},
    {"topic", "retain", retained_no_status, RETAIN_OF_OTHERS},
    {"topic", "retain", status_not_retained,
	N_("a status is retained, or whoever comes later does not see it")},
    {"topic", "topic_pattern", no_hierarchy,
	N_("a hierarchy with the device's id in it, such as "
	   "iot/sensors/{device_id}/data")},
    {"device-config", "publish_interval", too_often,
	N_("not more often than once a second")},
    {"device-config", "qos", not_qos_1, QOS_OF_READINGS},
    {"device-config", "retain", is_true, RETAIN_OF_OTHERS},
};

static void
apply_rule(struct linting *l, const struct rule *rule, struct span object)
{
	const struct schema_resource *r = schema_find(rule->resource);
	char *value = view_text_of(object, rule->field);
	char *label;

	if (rule->broken(l, object, value)) {
		label = lookup_label_of(r, object);
		report_row(&l->report,
		    (const char *const[]){
			rule->resource, label, rule->field, value, _(rule->advice)});
		l->found++;
		free(label);
	}
	free(value);
}

/* Rules of one list stand together: it is fetched once. */
static int
lint_lists(struct ctl *c, struct linting *l, struct err *err)
{
	size_t i = 0, end, k, n;

	for (; i < ARRAY_LEN(rules); i = end) {
		struct objects all = {0};
		int failed = objects_fetch(c, rules[i].resource, "", &all, err);

		for (end = i; end < ARRAY_LEN(rules) &&
		     strcmp(rules[end].resource, rules[i].resource) == 0;)
			end++;
		for (n = 0; n < all.n && !failed; n++) {
			for (k = i; k < end; k++)
				apply_rule(l, &rules[k], buf_as_span(&all.v[n]));
		}
		objects_release(&all);
		if (failed)
			return -1;
	}
	return 0;
}

int
run_lint(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const columns[] = {
	    "resource", "name", "field", "value", "advice"};
	struct linting l = {0};
	int failed;

	if (in->n != 0)
		return err_set(err, ERR_USAGE, _("lint takes no operand"));
	report_start(&l.report, c, columns, ARRAY_LEN(columns), 0);
	failed =
	    topic_set_compile(&l.topics, &c->args->topics, err) || lint_lists(c, &l, err);
	report_end(&l.report);
	topic_set_release(&l.topics);
	if (!failed && l.found != 0)
		failed = err_set(err, ERR_FAILED,
		    P_("%zu thing differs from the guide's best practices",
			"%zu things differ from the guide's best practices", l.found),
		    l.found);
	return failed ? -1 : 0;
}
