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

/* What the platform has that may go by a device's id. */
struct belongings {
	struct objects credentials;
	struct lookup_found account; /* id 0: none */
};

static int
fetch(struct ctl *c, json_int_t device, struct belongings *out, struct err *err)
{
	return objects_of_device(c, "credential", device, &out->credentials, err) ||
		account_of_device(c, device, &out->account, err)
	    ? -1
	    : 0;
}

static void
release(struct belongings *b)
{
	objects_release(&b->credentials);
	lookup_release(&b->account);
}

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
rename_credentials(struct ctl *c, const struct objects *all, const char *from,
    const char *to, size_t *found, struct err *err)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < all->n && !failed; i++) {
		struct span object = buf_as_span(&all->v[i]);

		if (!view_member_is(object, "client_id", from))
			continue;
		++*found;
		failed = set_text(c, "credential", object, "client_id", to, err);
	}
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
rename_rules(struct ctl *c, const char *username, const char *from, const char *to,
    size_t *found, struct err *err)
{
	struct objects rules = {0};
	struct buf filter = {0};
	int failed;
	size_t i;

	buf_puts(&filter, "&username=");
	rest_url_escape(&filter, span_of(username));
	failed = objects_fetch(c, "emqx-acl", buf_str(&filter), &rules, err);
	for (i = 0; i < rules.n && !failed; i++) {
		struct span rule = buf_as_span(&rules.v[i]);
		char *topic = view_text_of(rule, "topic");
		char *renamed = renamed_topic(topic, from, to);

		if (renamed != NULL && view_member_is(rule, "username", username)) {
			++*found;
			failed = set_text(c, "emqx-acl", rule, "topic", renamed, err);
		}
		free(renamed);
		free(topic);
	}
	buf_release(&filter);
	objects_release(&rules);
	return failed;
}

/* What the platform has; how much of it still went by the old id. */
static int
rename_all(struct ctl *c, const struct belongings *b, const char *from, const char *to,
    size_t *found, struct err *err)
{
	if (rename_credentials(c, &b->credentials, from, to, found, err))
		return -1;
	return b->account.id != 0
	    ? rename_rules(c, b->account.label, from, to, found, err)
	    : 0;
}

static int
say_what_is_left(
    const struct ctl *c, const char *from, const char *to, int failed, struct err *err)
{
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
	struct belongings b = {0};
	size_t found = 0;
	int failed;

	if (!c->args->dry_run)
		device_login_rename(c, from, to);
	failed = fetch(c, device, &b, err) || rename_all(c, &b, from, to, &found, err);
	release(&b);
	return say_what_is_left(c, from, to, failed, err);
}

bool
device_rename_go_on(struct ctl *c, json_int_t device, const char *from, const char *to,
    bool is_name, struct err *err)
{
	struct belongings b = {0};
	size_t found = 0;
	int failed = fetch(c, device, &b, err);

	if (!failed)
		found = device_login_is_left(c, from, to, &b.credentials, &b.account);
	if (!failed && (found != 0 || !is_name))
		failed = rename_all(c, &b, from, to, &found, err);
	release(&b);
	if (found != 0 && !failed && !c->args->dry_run)
		device_login_rename(c, from, to);
	say_what_is_left(c, from, to, failed, err);
	return found != 0;
}
