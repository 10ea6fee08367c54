/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/verbs/device_rename.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "rest/rest_url.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/core/write.h"
#include "iotctl/login/account.h"
#include "iotctl/login/device_login.h"

static int
set_text(struct ctl *c, const char *resource, struct span object, const char *field,
    const char *value, struct err *err)
{
	const struct schema_resource *r = schema_find(resource);
	json_int_t id = lookup_id_of(object);
	json_t *body = json_pack("{s:s}", field, value);
	char *path = ctl_object_path(r, id, NULL);
	char *label = lookup_label_of(r, object);
	char *doing = xasprintf(_("cannot change %s '%s'"), r->name, label);
	struct rest_reply reply = {0};
	struct span now;
	int failed = write_object(c, r, "PATCH", path, doing, body, &reply, &now, err) ||
	    (!c->args->dry_run && equal_check(c, r, label, body, now, err));

	jobs_turn(c);
	if (!failed && !c->args->dry_run && c->args->format == FORMAT_TABLE)
		failed = write_result(c, r, CTL_CHANGED, now, err);
	rest_reply_release(&reply);
	free(doing);
	free(label);
	free(path);
	json_decref(body);
	return failed ? -1 : 0;
}

static int
rename_credentials(struct ctl *c, json_int_t device, const char *from, const char *to,
    size_t *found, struct err *err)
{
	struct objects all = {0};
	int failed = objects_of_device(c, "credential", device, &all, err);
	size_t i;

	for (i = 0; i < all.n && !failed; i++) {
		struct span object = buf_as_span(&all.v[i]);

		if (!view_member_is(object, "client_id", from))
			continue;
		++*found;
		failed = set_text(c, "credential", object, "client_id", to, err);
	}
	objects_release(&all);
	return failed;
}

/* The topic with the new id where the old one is a whole level (free); NULL: it is nowhere. */
static char *
renamed_topic(const char *topic, const char *from, const char *to)
{
	struct strv levels = {0};
	struct buf out = {0};
	bool found = false;
	size_t i;

	strv_split(&levels, topic, '/');
	for (i = 0; i < levels.n; i++) {
		bool same = strcmp(levels.v[i], from) == 0;

		buf_printf(&out, "%s%s", i != 0 ? "/" : "", same ? to : levels.v[i]);
		found = found || same;
	}
	strv_release(&levels);
	if (found)
		return buf_steal(&out);
	buf_release(&out);
	return NULL;
}

static int
rename_rules(struct ctl *c, json_int_t device, const char *from, const char *to,
    size_t *found, struct err *err)
{
	struct lookup_found account;
	struct objects rules = {0};
	struct buf filter = {0};
	int failed = account_of_device(c, device, &account, err);
	size_t i;

	if (!failed && account.id != 0) {
		buf_puts(&filter, "&username=");
		rest_url_escape(&filter, span_of(account.label));
		failed = objects_fetch(c, "emqx-acl", buf_str(&filter), &rules, err);
	}
	for (i = 0; i < rules.n && !failed; i++) {
		struct span rule = buf_as_span(&rules.v[i]);
		char *topic = view_text_of(rule, "topic");
		char *renamed = renamed_topic(topic, from, to);

		if (renamed != NULL && view_member_is(rule, "username", account.label)) {
			++*found;
			failed = set_text(c, "emqx-acl", rule, "topic", renamed, err);
		}
		free(renamed);
		free(topic);
	}
	buf_release(&filter);
	objects_release(&rules);
	lookup_release(&account);
	return failed;
}

/* What the platform has; how much of it still went by the old id. */
static int
rename_all(struct ctl *c, json_int_t device, const char *from, const char *to,
    size_t *found, struct err *err)
{
	int failed = rename_credentials(c, device, from, to, found, err) ||
	    rename_rules(c, device, from, to, found, err);

	if (failed && !c->args->dry_run)
		err_in(err,
		    _("device '%s' is '%s' now, but not all that goes by its id, with "
		      "which the same command goes on"),
		    from, to);
	return failed ? -1 : 0;
}

int
device_rename(
    struct ctl *c, json_int_t device, const char *from, const char *to, struct err *err)
{
	size_t found = 0;

	if (!c->args->dry_run)
		device_login_rename(c, from, to);
	return rename_all(c, device, from, to, &found, err);
}

bool
device_rename_go_on(
    struct ctl *c, json_int_t device, const char *from, const char *to, struct err *err)
{
	size_t found = 0;
	int failed = rename_all(c, device, from, to, &found, err);

	if (found != 0 && !failed && !c->args->dry_run)
		device_login_rename(c, from, to);
	return found != 0;
}
