/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mosquitto's dynamic security: a client and a role for each login. Roles that begin with the prefix are ours; who has
 * none of them was made by somebody else, and is left alone. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/acl/acl_dynsec.h"
#include "iotctl/mqtt/target.h"
#include "iotctl/sync/control.h"
#include "iotctl/sync/sync.h"
#include "iotctl/sync/sync_lock.h"

#define PREFIX "iot:"

/* A page of what is listed has to fit into a packet of 1 MiB. A batch begins with the commands of one user, and grows as
 * the plugin's answers allow. */
enum { PAGE = 200, ONE_USER = 5, BATCH = 50 };

/* us: the plugin writes its whole file for each command, and mosquitto serves nobody meanwhile. */
enum { STANDSTILL = 500000 };

/* What is known of a user's role and client, besides the rules: sync_user.note. */
enum { ROLE_THERE = 1, ROLE_GIVEN = 2, DISABLED = 4 };

static const char *const kinds[] = {"publishClientSend", "subscribe"};

struct dynsec {
	struct target target;
	struct session_opts opts;
	struct control *control;
	bool open_default; /* it allows what no rule denies */
	/* Commands to be sent, and, for each, whose it is. */
	json_t *batch;
	size_t users[2 * BATCH];
	size_t most; /* commands of the next batch, or a few more */
};

static int
open_dynsec(struct sync *s, struct err *err)
{
	struct dynsec *d;

	if (s->c->args->mqtt.username == NULL)
		return err_set(err, ERR_USAGE,
		    _("dynamic security wants an administrator: --mqtt-username, "
		      "--mqtt-password-file"));
	s->own = d = xcalloc(1, sizeof(*d));
	d->most = ONE_USER;
	return 0;
}

static int
lock_dynsec(struct sync *s, struct span broker, struct err *err)
{
	struct broker_address a = {0};
	char *url = NULL;
	int fd = -1;

	(void)s;
	if (broker_address_read(&a, broker, err) == 0) {
		url = broker_address_url(&a);
		fd = sync_lock_url(url, err);
	}
	free(url);
	broker_address_release(&a);
	return fd;
}

static void
close_dynsec(struct sync *s)
{
	struct dynsec *d = s->own;

	if (d == NULL)
		return;
	control_close(d->control);
	target_release(&d->target);
	json_decref(d->batch);
	free(d);
}

static const char *
text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL ? text : "";
}

/* The highest priority first, as the plugin asks them. */
static int
by_priority(const void *a, const void *b)
{
	json_int_t x = json_integer_value(
		       json_object_get(*(json_t *const *)a, "priority")),
		   y = json_integer_value(
		       json_object_get(*(json_t *const *)b, "priority"));

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The rules of a role, a line each. Those of different kinds do not meet: kind by kind. */
static void
put_lines(struct buf *out, const json_t *acls)
{
	static const char *const order[] = {
	    "publishClientSend", "subscribeLiteral", "subscribePattern"};
	size_t n = json_array_size(acls), i, k;
	json_t **sorted = xcalloc(n + 1, sizeof(json_t *));

	for (i = 0; i < n; i++)
		sorted[i] = json_array_get(acls, i);
	qsort(sorted, n, sizeof(json_t *), by_priority);
	for (k = 0; k <= ARRAY_LEN(order); k++) {
		for (i = 0; i < n; i++) {
			const char *type = text_of(sorted[i], "acltype");
			size_t at = 0;

			while (at < ARRAY_LEN(order) && strcmp(order[at], type) != 0)
				at++;
			if (at == k)
				buf_printf(out, "%s %s %s\n",
				    json_is_true(json_object_get(sorted[i], "allow"))
					? "allow"
					: "deny",
				    type, text_of(sorted[i], "topic"));
		}
	}
	free(sorted);
}

static int
render_dynsec(struct sync *s, const struct access *a, struct buf *out, struct err *err)
{
	json_t *acls = acl_dynsec(a, &s->loss, &s->failed, err);

	if (acls == NULL)
		return -1;
	put_lines(out, acls);
	json_decref(acls);
	return 0;
}

/* Each element of a list of the plugin's, page by page. */
static int
each(struct sync *s, const char *command, const char *member,
    void (*fn)(struct sync *s, const json_t *one), struct err *err)
{
	struct dynsec *d = s->own;
	size_t offset = 0, n = 0, i;
	json_t *one;

	do {
		json_t *data = control_ask(d->control,
		    json_pack("{s:s, s:b, s:i, s:i}", "command", command, "verbose", 1,
			"count", PAGE, "offset", (int)offset),
		    err);

		if (data == NULL)
			return -1;
		n = json_array_size(json_object_get(data, member));
		json_array_foreach (json_object_get(data, member), i, one) {
			fn(s, one);
		}
		offset += n;
		json_decref(data);
	} while (n == PAGE);
	return 0;
}

static void
take_role(struct sync *s, const json_t *role)
{
	const char *name = text_of(role, "rolename");
	struct buf lines = {0};
	struct sync_user *u;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return;
	put_lines(&lines, json_object_get(role, "acls"));
	u = sync_found(s, name + strlen(PREFIX), false, NULL, buf_str(&lines));
	u->note |= ROLE_THERE;
	if (u->rules_there == NULL)
		u->rules_there = xstrdup("");
	buf_release(&lines);
}

static bool
is_own_role(const struct sync_user *u, const char *role)
{
	return strncmp(role, PREFIX, strlen(PREFIX)) == 0 &&
	    strcmp(role + strlen(PREFIX), u->username) == 0;
}

/* Roles and groups that we did not give: a device's go, a service may have been given them for something else. */
static void
put_others(
    struct buf *out, const struct sync_user *u, const json_t *list, const char *member)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (!is_own_role(u, text_of(one, member)) && u->device != NULL)
			buf_printf(out, "%s %s\n", member, text_of(one, member));
	}
}

static bool
has_own_role(const struct sync_user *u, const json_t *client)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(client, "roles"), i, one) {
		if (is_own_role(u, text_of(one, "rolename")))
			return true;
	}
	return false;
}

static void
take_client(struct sync *s, const json_t *client)
{
	const char *name = text_of(client, "username");
	struct sync_user *u = sync_found(s, name, true, NULL, NULL);
	struct buf rest = {0};

	if (has_own_role(u, client)) {
		u->note |= ROLE_GIVEN;
	} else {
		free(u->rules_there);
		u->rules_there = NULL;
		u->kept = true;
	}
	put_others(&rest, u, json_object_get(client, "roles"), "rolename");
	put_others(&rest, u, json_object_get(client, "groups"), "groupname");
	if (json_is_true(json_object_get(client, "disabled"))) {
		u->note |= DISABLED;
		buf_puts(&rest, "disabled\n");
	}
	sync_found(s, name, true, NULL, buf_str(&rest));
	/* Who takes himself the right to administer is locked out. */
	if (strcmp(name, s->c->args->mqtt.username) == 0) {
		u->kept = true;
		u->chosen = false;
	}
	buf_release(&rest);
}

static int
read_defaults(struct sync *s, struct err *err)
{
	struct dynsec *d = s->own;
	json_t *data = control_ask(
	    d->control, json_pack("{s:s}", "command", "getDefaultACLAccess"), err);
	const json_t *one;
	size_t i, k;

	if (data == NULL)
		return -1;
	json_array_foreach (json_object_get(data, "acls"), i, one) {
		for (k = 0; k < ARRAY_LEN(kinds); k++) {
			if (strcmp(text_of(one, "acltype"), kinds[k]) == 0 &&
			    json_is_true(json_object_get(one, "allow")))
				d->open_default = true;
		}
	}
	json_decref(data);
	if (d->open_default && !s->c->args->setup)
		log_warn(_("the broker allows whatever no rule denies "
			   "(defaultACLAccess): --setup changes that"));
	return 0;
}

static int
read_dynsec(struct sync *s, struct err *err)
{
	struct dynsec *d = s->own;

	if (target_broker(s->c, s->name, &d->target, err) ||
	    target_connection(s->c, &d->target, &d->opts, err))
		return -1;
	d->control = control_open(s->c, &d->opts, err);
	if (d->control == NULL || each(s, "listRoles", "roles", take_role, err) ||
	    each(s, "listClients", "clients", take_client, err))
		return -1;
	return read_defaults(s, err);
}

static void
take_answer(struct sync *s, struct sync_user *u, const json_t *answer)
{
	const char *word = json_string_value(json_object_get(answer, "error"));
	struct err why;

	if (word == NULL || u->failed)
		return;
	err_set(&why, ERR_REFUSED, _("login '%s': %s: %s"), u->username,
	    text_of(answer, "command"), word);
	sync_failed(s, u, &why);
}

/* As many commands as the broker may stand still for, when n took so long. */
static size_t
next_batch(size_t n, int64_t us)
{
	int64_t fit = us > 0 ? (int64_t)n * STANDSTILL / us : BATCH;

	return fit > BATCH ? BATCH : fit < ONE_USER ? ONE_USER : (size_t)fit;
}

/* Sends what has come together, and counts those whose commands are all in it. */
static int
flush(struct sync *s, struct err *err)
{
	struct dynsec *d = s->own;
	size_t n = json_array_size(d->batch), i;
	int64_t since = clock_us();
	json_t *answers;

	if (n == 0)
		return 0;
	answers = control_call(d->control, d->batch, err);
	d->batch = NULL;
	if (answers == NULL)
		return -1;
	d->most = next_batch(n, clock_us() - since);
	for (i = 0; i < n; i++)
		take_answer(s, &s->v[d->users[i]], json_array_get(answers, i));
	json_decref(answers);
	for (i = 0; i < n; i++) {
		struct sync_user *u = &s->v[d->users[i]];

		if ((i == 0 || d->users[i] != d->users[i - 1]) && !u->failed)
			sync_done(s, u);
	}
	sent_secrets_save(&s->sent);
	return 0;
}

static void
add(struct sync *s, const struct sync_user *u, json_t *command)
{
	struct dynsec *d = s->own;

	if (d->batch == NULL)
		d->batch = json_array();
	d->users[json_array_size(d->batch)] = (size_t)(u - s->v);
	json_array_append_new(d->batch, command);
}

static void
add_role(struct sync *s, const struct sync_user *u, const char *role)
{
	const struct access *a = access_find(&s->access, u->username);
	unsigned loss = 0;
	size_t left_out = 0;
	struct err why = {0};
	json_t *acls = a != NULL ? acl_dynsec(a, &loss, &left_out, &why) : NULL;

	add(s, u,
	    json_pack("{s:s, s:s, s:o}", "command",
		(u->note & ROLE_THERE) != 0 ? "modifyRole" : "createRole", "rolename",
		role, "acls", acls != NULL ? acls : json_array()));
}

/* A client that is there gets its role; a device's loses all others. */
static void
add_repair(struct sync *s, const struct sync_user *u, const char *role)
{
	if (u->device != NULL)
		add(s, u,
		    json_pack("{s:s, s:s, s:[{s:s}], s:[]}", "command", "modifyClient",
			"username", u->username, "roles", "rolename", role, "groups"));
	else if ((u->note & ROLE_GIVEN) == 0)
		add(s, u,
		    json_pack("{s:s, s:s, s:s}", "command", "addClientRole", "username",
			u->username, "rolename", role));
	if ((u->note & DISABLED) != 0)
		add(s, u,
		    json_pack("{s:s, s:s}", "command", "enableClient", "username",
			u->username));
}

/* At most five commands. */
static void
add_user(struct sync *s, const struct sync_user *u)
{
	char *role = xasprintf(PREFIX "%s", u->username);

	if ((u->todo & SYNC_REMOVE) != 0 && u->there)
		add(s, u,
		    json_pack("{s:s, s:s}", "command", "deleteClient", "username",
			u->username));
	if ((u->todo & SYNC_REMOVE) != 0 && (u->note & ROLE_THERE) != 0)
		add(s, u,
		    json_pack("{s:s, s:s}", "command", "deleteRole", "rolename", role));
	/* Who may do nothing has a role all the same: a client is not made with one that is not there. */
	if ((u->todo & SYNC_RULES) != 0 ||
	    ((u->todo & SYNC_LOGIN) != 0 && (u->note & ROLE_THERE) == 0))
		add_role(s, u, role);
	if ((u->todo & SYNC_LOGIN) != 0)
		add(s, u,
		    json_pack("{s:s, s:s, s:s*, s:[{s:s}]}", "command", "createClient",
			"username", u->username, "password", u->password, "roles",
			"rolename", role));
	if ((u->todo & SYNC_PASSWORD) != 0)
		add(s, u,
		    json_pack("{s:s, s:s, s:s}", "command", "setClientPassword",
			"username", u->username, "password", u->password));
	if ((u->todo & SYNC_RULES) != 0 && u->there)
		add_repair(s, u, role);
	free(role);
}

static int
close_default(struct sync *s, struct err *err)
{
	struct dynsec *d = s->own;
	json_t *answers, *acls = json_array();
	const char *word;
	int failed = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		json_array_append_new(
		    acls, json_pack("{s:s, s:b}", "acltype", kinds[i], "allow", 0));
	answers = control_call(d->control,
	    json_pack("[{s:s, s:o}]", "command", "setDefaultACLAccess", "acls", acls),
	    err);
	if (answers == NULL)
		return -1;
	word = json_string_value(json_object_get(json_array_get(answers, 0), "error"));
	if (word != NULL)
		failed = err_set(err, ERR_REFUSED, "setDefaultACLAccess: %s", word);
	else
		ctl_say(s->c, _("the broker denies now whatever no rule allows"));
	json_decref(answers);
	return failed;
}

static int
apply_dynsec(struct sync *s, struct err *err)
{
	struct dynsec *d = s->own;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].todo == 0)
			continue;
		add_user(s, &s->v[i]);
		if (json_array_size(d->batch) >= d->most && flush(s, err))
			return -1;
	}
	if (flush(s, err))
		return -1;
	/* When the rules are there, not before. */
	return d->open_default && s->c->args->setup ? close_default(s, err) : 0;
}

const struct sync_driver sync_dynsec = {.name = "dynsec",
    .by_hand = "mosquitto_ctrl dynsec createClient",
    /* It is an administrator, whose roles are not ours. */
    .let_read_and_publish =
	N_("by one of its roles, 'mosquitto_ctrl dynsec addRoleACL ROLE TYPE TOPIC "
	   "allow' with each TYPE of subscribePattern, publishClientReceive and "
	   "publishClientSend"),
    .open = open_dynsec,
    .lock = lock_dynsec,
    .read = read_dynsec,
    .render = render_dynsec,
    .apply = apply_dynsec,
    .close = close_dynsec};
