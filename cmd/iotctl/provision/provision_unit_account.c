/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new device's account with its rules as one request, where the platform has one for that. A rule at a time would
 * be most of the requests that a device takes. */
#include "iotctl/provision/provision_unit_int.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/account.h"

/* Without their account, which the request is about. */
static void
add_rules(json_t *all, const json_t *rules)
{
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		json_t *body = json_copy(rule);

		json_object_del(body, "username");
		json_array_append_new(all, body);
	}
}

static json_t *
bundle_body(const struct unit *u)
{
	json_t *rules = json_array();

	add_rules(rules, u->kept_rules);
	add_rules(rules, u->rules);
	return json_pack("{s:s, s:s, s:I, s:o}", "username", u->account_name, "password",
	    u->password, "dispositivo_id", u->id, "acl_rules", rules);
}

static size_t
rules_of(struct span account)
{
	struct json_iter it = {0};
	size_t n = 0;

	if (json_member(account, "acl_rules", &it.value)) {
		while (json_next(&it))
			n++;
	}
	return n;
}

/* The platform takes rules as they come: that it has them all is looked at. */
static int
take_account(
    struct unit *u, struct span account, size_t sent, struct undo *undo, struct err *err)
{
	size_t n = rules_of(account);

	u->account = lookup_id_of(account);
	if (u->account == 0)
		return err_set(err, ERR_PROTOCOL, _("the new emqx-user has no id"));
	provision_unit_undo_by(
	    undo, ctl_object_path(schema_find("emqx-user"), u->account, NULL));
	if (n != sent)
		return err_set(err, ERR_PROTOCOL,
		    P_("the new emqx-user has %zu of the %zu rule that was sent",
			"the new emqx-user has %zu of the %zu rules that were sent",
			sent),
		    n, sent);
	json_array_clear(u->rules);
	json_array_clear(u->old_denials);
	return 0;
}

/* The account is gone by then: it is made as one that a device has lost, and the rules one by one. */
static void
do_without(struct ctl *c, struct unit *u)
{
	json_t *rules = u->rules;

	c->no_create_with_acl = true;
	u->rules = json_copy(u->kept_rules);
	json_array_extend(u->rules, rules);
	json_decref(rules);
	json_array_clear(u->old_denials);
	free(u->username);
	u->username = xstrdup(u->account_name);
	u->account = 0;
	u->makes_account = true;
}

static int
delete_account(struct ctl *c, const struct unit *u, struct err *err)
{
	char *path = ctl_object_path(schema_find("emqx-user"), u->account, NULL);
	int failed = ctl_call(c, _("cannot replace the new device's EMQX user"), "DELETE",
	    path, (struct span){0}, NULL, err);

	free(path);
	return failed;
}

static int
create_account(struct ctl *c, struct unit *u, struct undo *undo, struct err *err)
{
	const struct schema_resource *r = schema_find("emqx-user");
	char *path = xasprintf("%screate_with_acl/", r->path);
	json_t *body = bundle_body(u);
	struct rest_reply reply = {0};
	struct span account;
	struct err why = {0};
	int failed = write_object(c, r, "POST", path, _("cannot create emqx-user"), body,
	    &reply, &account, &why);

	if (failed && (why.code == ERR_REFUSED || why.code == ERR_NOT_FOUND)) {
		do_without(c, u);
		failed = 0;
	} else if (failed) {
		*err = why;
	} else {
		failed = take_account(u, account,
		    json_array_size(json_object_get(body, "acl_rules")), undo, err);
	}
	rest_reply_release(&reply);
	json_decref(body);
	free(path);
	return failed ? -1 : 0;
}

int
provision_unit_replace_account(
    struct ctl *c, struct unit *u, struct undo *undo, struct err *err)
{
	if (c->no_create_with_acl)
		return account_set_password(c, u->account, u->password, err);
	return delete_account(c, u, err) || create_account(c, u, undo, err) ? -1 : 0;
}
