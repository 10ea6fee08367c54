/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acl show, acl check, acl export. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotctl/acl/acl.h"
#include "iotctl/acl/acl_file.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

/* The rules of one device, or of all. */
struct rules {
	struct view view;
	struct topic_set topics;
	struct lookup_found device;
	struct access_list list;
	bool
	    derived; /* made from topics and device-config: the platform keeps no rules */
	char *username; /* of the last device */
};

static int
load_rules(struct ctl *c, const char *device, struct rules *r, struct err *err)
{
	size_t i;

	if (topic_set_compile(&r->topics, &c->args->topics, err) ||
	    (device != NULL &&
		lookup(c, schema_find("device"), device, &r->device, err)) ||
	    view_load(c, device != NULL ? &r->device : NULL, &r->view, err))
		return -1;
	for (i = 0; i < r->view.v[VIEW_DEVICES].n; i++) {
		struct span one = buf_as_span(&r->view.v[VIEW_DEVICES].v[i]);

		free(r->username);
		r->username = acl_of_device(&r->view, &r->topics, one, &r->list);
		r->derived |= r->username[0] != '\0' && !acl_is_kept(&r->view, one);
	}
	if (device != NULL && r->username[0] == '\0')
		return err_set(err, ERR_NOT_FOUND,
		    _("device '%s' has no login: give it a credential"), device);
	if (r->derived)
		log_info(
		    _("the platform keeps no rules: these are made from its topics and "
		      "device-configs"));
	return 0;
}

static void
rules_release(struct rules *r)
{
	access_release(&r->list);
	topic_set_release(&r->topics);
	view_release(&r->view);
	lookup_release(&r->device);
	free(r->username);
}

static void
report_rule(struct report *r, const char *username, const struct access_rule *rule)
{
	char qos[12] = "", retain[12] = "";

	if (rule->qos >= 0)
		snprintf(qos, sizeof(qos), "%d", rule->qos);
	if (rule->retain >= 0)
		snprintf(retain, sizeof(retain), "%d", rule->retain);
	report_row(r,
	    (const char *const[]){username, rule->allow ? "allow" : "deny",
		access_action_word(rule->action), rule->topic, qos, retain});
}

static void
report_rules(const struct ctl *c, const struct access_list *l)
{
	static const char *const columns[] = {
	    "username", "permission", "action", "topic", "qos", "retain"};
	struct report r;
	size_t i, k;

	report_start(&r, c, columns, ARRAY_LEN(columns), 1u << 4 | 1u << 5);
	for (i = 0; i < l->n; i++) {
		for (k = 0; k < l->v[i].n; k++)
			report_rule(&r, l->v[i].username, &l->v[i].v[k]);
	}
	report_end(&r);
}

/* Each of them was reported when it was left out. */
static int
tell_left_out(const struct access_list *a, struct err *err)
{
	if (a->left_out == 0)
		return 0;
	return err_set(err, ERR_FAILED, _("rules left out: %zu"), a->left_out);
}

int
run_acl_show(struct ctl *c, const struct operands *in, struct err *err)
{
	struct rules r = {0};
	int failed;

	if (in->n != 1)
		return err_set(err, ERR_USAGE, _("acl show takes one device"));
	failed = load_rules(c, in->v[0], &r, err);
	if (!failed) {
		report_rules(c, &r.list);
		failed = tell_left_out(&r.list, err);
	}
	rules_release(&r);
	return failed;
}

static int
take_action(const char *word, enum access_action *out, struct err *err)
{
	*out = (enum access_action)access_action_of(word);
	if (*out == ACCESS_PUBLISH || *out == ACCESS_SUBSCRIBE)
		return 0;
	return err_set(
	    err, ERR_USAGE, _("'%s': a device may 'publish' or 'subscribe'"), word);
}

static void
put_rule(struct buf *out, const struct access_rule *r)
{
	buf_printf(out, "%s %s '%s'", r->allow ? "allow" : "deny",
	    access_action_word(r->action), r->topic);
	if (r->qos >= 0)
		buf_printf(out, " qos %d", r->qos);
	if (r->retain >= 0)
		buf_printf(out, " retain %d", r->retain);
}

/* QoS and retain that the user left open are tried in all values: it is allowed if
 * one of them is. */
static enum access_verdict
decide_open(
    const struct rules *r, struct access_question q, const struct access_rule **rule)
{
	int qos_from = q.qos >= 0 ? q.qos : 0, qos_to = q.qos >= 0 ? q.qos : 2;
	const struct access *rules = access_find(&r->list, q.username);
	enum access_verdict verdict = ACCESS_NO_RULE;

	for (q.retain = 0; q.retain <= 1; q.retain++) {
		for (q.qos = qos_from; q.qos <= qos_to; q.qos++) {
			verdict = access_decide(rules, &q, rule);
			if (verdict == ACCESS_ALLOWED)
				return verdict;
		}
	}
	return verdict;
}

static int
report_verdict(const struct ctl *c, const struct rules *r,
    const struct access_question *q, struct err *err)
{
	const struct access_rule *rule = NULL;
	enum access_verdict verdict = decide_open(r, *q, &rule);
	struct buf text = {0};
	int failed = 0;

	if (rule != NULL)
		put_rule(&text, rule);
	if (verdict == ACCESS_ALLOWED)
		ctl_say(c, _("allowed: '%s' may %s '%s' (%s)"), q->username,
		    access_action_word(q->action), q->topic, buf_str(&text));
	else if (verdict == ACCESS_DENIED)
		failed = err_set(err, ERR_AUTH, _("denied: '%s' may not %s '%s' (%s)"),
		    q->username, access_action_word(q->action), q->topic, buf_str(&text));
	else
		failed = err_set(err, ERR_FAILED,
		    _("no rule of '%s' speaks of '%s': the broker's own default decides"),
		    q->username, q->topic);
	buf_release(&text);
	return failed;
}

int
run_acl_check(struct ctl *c, const struct operands *in, struct err *err)
{
	struct access_question q = {.qos = -1, .retain = -1};
	struct rules r = {0};
	char *client = NULL;
	int failed;

	if (in->n != 3)
		return err_set(
		    err, ERR_USAGE, _("acl check DEVICE publish|subscribe TOPIC"));
	failed = take_action(in->v[1], &q.action, err) ||
	    (q.action == ACCESS_PUBLISH ? topic_check_name(span_of(in->v[2]), err)
					: topic_check_filter(in->v[2], err)) ||
	    load_rules(c, in->v[0], &r, err);
	if (opt_source_of(c->set, offsetof(struct args, qos)) == OPT_FROM_ARGV)
		q.qos = c->args->qos;
	if (!failed) {
		client = view_text_of(buf_as_span(&r.device.bytes), "mqtt_client_id");
		q.username = r.username;
		q.clientid = client;
		q.topic = in->v[2];
		failed = report_verdict(c, &r, &q, err);
	}
	free(client);
	rules_release(&r);
	return failed ? -1 : 0;
}

static void
add_once(struct strv *names, const char *name)
{
	size_t i = 0;

	while (i < names->n && strcmp(names->v[i], name) != 0)
		i++;
	if (i == names->n && name[0] != '\0')
		strv_add(names, name);
}

/* Who reads what all devices publish and commands them: the brokers' own users, and those of --service. Returns
 * how many there are. */
static size_t
add_services(struct ctl *c, struct rules *r)
{
	const struct objects *brokers = &r->view.v[VIEW_BROKERS];
	struct strv names = {0};
	size_t i, n;

	for (i = 0; i < brokers->n; i++) {
		struct span broker = buf_as_span(&brokers->v[i]);
		char *username = view_text_of(broker, "username");

		if (view_member_is(broker, "is_active", "true"))
			add_once(&names, username);
		free(username);
	}
	for (i = 0; i < c->args->services.n; i++)
		add_once(&names, c->args->services.v[i]);
	for (i = 0; i < names.n; i++)
		acl_of_service(&r->view, &r->topics, names.v[i], &r->list);
	n = names.n;
	strv_release(&names);
	return n;
}

static int
put_file(struct ctl *c, struct rules *r, bool whole, struct err *err)
{
	size_t services, i;
	struct buf out = {0};
	int failed;

	for (i = 0; i < r->list.n; i++)
		access_close(&r->list.v[i]);
	services = whole ? add_services(c, r) : 0;

	failed = c->args->format == FORMAT_EMQX
	    ? acl_file_put_emqx(&out, &r->list, whole, err)
	    : acl_file_put_mosquitto(&out, &r->list, err);
	if (!failed)
		fwrite(out.p, 1, out.n, stdout);
	buf_release(&out);
	if (failed)
		return -1;
	if (!whole || services != 0)
		return tell_left_out(&r->list, err);
	if (tell_left_out(&r->list, err))
		log_err(err);
	return err_set(err, ERR_FAILED,
	    _("nobody may read what devices publish: no active broker has a username, "
	      "and there is no --service USER"));
}

int
run_acl_export(struct ctl *c, const struct operands *in, struct err *err)
{
	bool file = c->args->format >= FORMAT_EMQX;
	struct rules r = {0};
	int failed;

	if (in->n > 1)
		return err_set(err, ERR_USAGE,
		    _("acl export [DEVICE] --format emqx|mosquitto|json"));
	if (c->args->services.n != 0 && (in->n != 0 || !file))
		return err_set(err, ERR_USAGE,
		    _("--service is for the export of all devices as emqx or mosquitto"));
	failed = load_rules(c, in->n == 1 ? in->v[0] : NULL, &r, err);
	if (!failed && file) {
		failed = put_file(c, &r, in->n == 0, err);
	} else if (!failed) {
		report_rules(c, &r.list);
		failed = tell_left_out(&r.list, err);
	}
	rules_release(&r);
	return failed;
}
