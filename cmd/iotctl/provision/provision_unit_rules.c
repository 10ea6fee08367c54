/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a device that EMQX knows: its account, and the rules that its topics need. */
#include "iotctl/provision/provision_unit_int.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/acl/acl.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/account.h"

static void
plan_clear(struct unit *u)
{
	json_decref(u->kept_rules);
	json_decref(u->rules);
	json_decref(u->old_denials);
	u->kept_rules = json_array();
	u->rules = json_array();
	u->old_denials = json_array();
	u->makes_account = false;
}

static json_t *
rule_body(
    const struct unit *u, const char *permission, const char *action, const char *topic)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "username", u->account_name,
	    "permission", permission, "action", action, "topic", topic);
}

static struct span
topic_by_id(const struct catalog *k, json_int_t id)
{
	size_t i;

	for (i = 0; i < k->topics.n; i++) {
		if (lookup_id_of(buf_as_span(&k->topics.v[i])) == id)
			return buf_as_span(&k->topics.v[i]);
	}
	return (struct span){0};
}

static bool
is_planned(const struct unit *u, const char *action, const char *topic)
{
	json_t *rule;
	size_t i;

	json_array_foreach (u->rules, i, rule) {
		if (strcmp(json_string_value(json_object_get(rule, "action")), action) ==
			0 &&
		    strcmp(json_string_value(json_object_get(rule, "topic")), topic) == 0)
			return true;
	}
	return false;
}

/* Plans a rule that allows the pattern, unless one of `now` or of the plan does. */
static void
plan_pattern(struct unit *u, const struct access *now, const char *pattern,
    struct access_question q)
{
	char *filter = access_rules_filter(pattern, u->device);
	const char *action = access_action_word(q.action);

	q.username = u->account_name;
	q.clientid = u->device;
	q.topic = filter;
	if (filter != NULL && access_decide(now, &q, NULL) != ACCESS_ALLOWED &&
	    !is_planned(u, action, filter))
		json_array_append_new(u->rules, rule_body(u, "allow", action, filter));
	free(filter);
}

static void
plan_topic(struct unit *u, const struct catalog *k, const struct access *now,
    json_int_t id, enum access_action action)
{
	struct span topic = topic_by_id(k, id);
	char *pattern = view_text_of(topic, "topic_pattern");
	char *qos = view_text_of(topic, "qos");

	if (topic.p != NULL)
		plan_pattern(u, now, pattern,
		    (struct access_question){.action = action,
			.qos = qos[0] != '\0' ? qos[0] - '0' : -1,
			.retain = view_member_is(topic, "retain", "true")});
	free(qos);
	free(pattern);
}

/* What every device does: it publishes its status, retained, and reads it before it
 * connects, to see whether another is connected under its name; it answers commands,
 * and raises alerts. */
static void
plan_own(struct unit *u, const struct catalog *k, const struct access *now)
{
	plan_pattern(u, now, k->status,
	    (struct access_question){.action = ACCESS_PUBLISH, .qos = 1, .retain = 1});
	plan_pattern(u, now, k->status,
	    (struct access_question){.action = ACCESS_SUBSCRIBE, .qos = 1});
	plan_pattern(u, now, k->responses,
	    (struct access_question){.action = ACCESS_PUBLISH, .qos = -1, .retain = -1});
	plan_pattern(u, now, k->alerts,
	    (struct access_question){.action = ACCESS_PUBLISH, .qos = -1, .retain = -1});
}

/* A rule that there is. */
static json_t *
same_body(const struct unit *u, const struct access_rule *r)
{
	json_t *body = rule_body(
	    u, r->allow ? "allow" : "deny", access_action_word(r->action), r->topic);

	if (r->qos >= 0)
		json_object_set_new(body, "qos", json_integer(r->qos));
	if (r->retain >= 0)
		json_object_set_new(body, "retain", json_integer(r->retain));
	return body;
}

/* The first rule that matches decides. So the rules that deny the rest must come
 * behind those that are added, in the order they have; and they must deny what
 * begins with "$" as well. */
static void
plan_denials(struct unit *u, const struct access *now)
{
	bool moves = json_array_size(u->rules) != 0, any = moves || u->makes_account;
	bool there[ACCESS_REST] = {false}, behind = false;
	size_t i, k;

	for (i = 0; i < now->n; i++) {
		const struct access_rule *r = &now->v[i];

		for (k = 0; k < ACCESS_REST && strcmp(r->topic, access_rest[k]) != 0; k++)
			;
		if (r->allow || k == ACCESS_REST) {
			json_array_append_new(u->kept_rules, same_body(u, r));
			continue;
		}
		any = true;
		behind = behind || k == 0;
		if (!moves || !behind) {
			json_array_append_new(u->kept_rules, same_body(u, r));
		} else {
			json_array_append_new(u->rules, same_body(u, r));
			json_array_append_new(u->old_denials, json_integer(r->id));
		}
		there[k] =
		    there[k] || (r->action == ACCESS_ALL && r->qos < 0 && r->retain < 0);
	}
	for (k = 0; any && k < ACCESS_REST; k++) {
		if (!there[k])
			json_array_append_new(
			    u->rules, rule_body(u, "deny", "all", access_rest[k]));
	}
}

static int
find_account(struct ctl *c, const struct catalog *k, const struct unit *u,
    struct lookup_found *out, struct err *err)
{
	struct objects users = {0};
	int failed;

	if (!k->held.v[HELD_ACCOUNTS].whole)
		return account_of_device(c, u->id, out, err);
	failed = provision_held_of_device(c, &k->held, HELD_ACCOUNTS, u->id, &users, err);
	account_among(&users, out);
	objects_release(&users);
	return failed;
}

static int
fetch_rules(struct ctl *c, const struct catalog *k, const struct unit *u,
    struct objects *out, bool *none, struct err *err)
{
	struct err why = {0};
	int failed =
	    provision_held_find(c, &k->held, HELD_RULES, u->account_name, out, &why);

	*none = failed && why.code == ERR_NOT_FOUND;
	if (failed && !*none)
		*err = why;
	return failed && !*none ? -1 : 0;
}

json_t *
provision_unit_account_body(const struct unit *u)
{
	return json_pack("{s:s, s:s, s:I}", "username", u->username, "password",
	    u->password, "dispositivo", u->id);
}

int
provision_unit_plan_rules(
    struct ctl *c, const struct catalog *k, struct unit *u, struct err *err)
{
	struct objects rules = {0};
	struct lookup_found account;
	struct access_list rules_now = {0};
	const struct access *now;
	bool none = false;
	json_t *id;
	size_t i;
	int failed = find_account(c, k, u, &account, err);

	plan_clear(u);
	u->account = account.id;
	u->lacks_account = !failed && !c->no_accounts && account.id == 0;
	u->makes_account = u->lacks_account && u->username != NULL && u->password != NULL;
	free(u->account_name);
	u->account_name = xstrdup(account.id != 0 ? account.label
		: u->username != NULL             ? u->username
						  : "");
	lookup_release(&account);
	if (failed || (u->account == 0 && !u->makes_account))
		return failed;
	failed = fetch_rules(c, k, u, &rules, &none, err);
	if (!failed && !none) {
		acl_of_rules(&rules, u->account_name, &rules_now);
		now = access_user(&rules_now, u->account_name);
		if (u->publish != 0)
			plan_topic(u, k, now, u->publish, ACCESS_PUBLISH);
		json_array_foreach (u->subscribe, i, id) {
			plan_topic(u, k, now, json_integer_value(id), ACCESS_SUBSCRIBE);
		}
		plan_own(u, k, now);
		plan_denials(u, now);
	}
	access_release(&rules_now);
	objects_release(&rules);
	return failed;
}

int
provision_unit_make_rules(
    struct ctl *c, struct unit *u, struct undo *undo, struct err *err)
{
	json_int_t id;
	json_t *item;
	size_t i;

	if (u->makes_account &&
	    provision_unit_post(
		c, "emqx-user", provision_unit_account_body(u), &u->account, undo, err))
		return -1;
	json_array_foreach (u->rules, i, item) {
		json_object_set_new(item, "emqx_user", json_integer(u->account));
		if (provision_unit_post(c, "emqx-acl", json_incref(item), &id, undo, err))
			return -1;
	}
	/* Last of all: the old denials are deleted, which were sent again above, behind the new rules. */
	json_array_foreach (u->old_denials, i, item) {
		char *path = ctl_object_path(
		    schema_find("emqx-acl"), json_integer_value(item), NULL);
		int failed = ctl_call(c, _("cannot move the rule that denies the rest"),
		    "DELETE", path, (struct span){0}, NULL, err);

		free(path);
		if (failed)
			return -1;
	}
	return 0;
}
