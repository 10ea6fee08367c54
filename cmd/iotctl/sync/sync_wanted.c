/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a broker should have: the logins of the devices whose device-config names it, its own user, and services. */
#include <stdio.h>
#include <stdlib.h>

#include "access/device_password.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/acl/acl.h"
#include "iotctl/ctl_call.h"
#include "iotctl/sync/sync.h"
#include "iotctl/verbs/device.h"

enum { HASHES_MOST = 64 << 20 }; /* bytes: half a million logins */

/* Whether a device may come in at all. */
static bool
is_active(const struct sync *s, json_int_t id, struct span config)
{
	struct span credential =
	    view_by_id(&s->view, VIEW_CREDENTIALS, "dispositivo", id);

	return !view_member_is(credential, "is_active", "false") &&
	    !view_member_is(config, "is_active", "false");
}

/* A password goes with the user name that it was made for. */
static const char *
password_of(const struct sync *s, const char *device, const char *username)
{
	const struct credential *row = credentials_find(&s->passwords.known, device);
	const char *rotated = password_file_at_broker(&s->passwords, device);

	/* The device may have dropped the one of the file by now. */
	if (rotated != NULL)
		return rotated;
	return row != NULL && row->username != NULL &&
		strcmp(row->username, username) == 0
	    ? row->password
	    : NULL;
}

/* One login cannot have two passwords. */
static void
take_password(struct sync *s, struct sync_user *u, const char *device)
{
	const char *password = password_of(s, device, u->username);
	struct err why;

	if (password == NULL || u->password == NULL) {
		u->password = password != NULL ? password : u->password;
		return;
	}
	if (strcmp(password, u->password) == 0 || u->failed)
		return;
	err_set(&why, ERR_USAGE,
	    _("devices '%s' and '%s' have the same user name '%s' and different "
	      "passwords"),
	    u->device, device, u->username);
	sync_failed(s, u, &why);
}

static void
want_device(struct sync *s, struct span device, bool active)
{
	char *username = active ? acl_of_device(&s->view, &s->topics, device, &s->access)
				: acl_login_of(&s->view, device);
	char *name = device_name(device);
	struct sync_user *u;

	if (username[0] != '\0') {
		u = sync_user(s, username);
		u->known = true;
		u->wanted |= active;
		u->certified |= acl_uses_certificate(&s->view, device);
		if (u->device == NULL)
			u->device = xstrdup(name);
		if (active && !u->certified)
			take_password(s, u, name);
	}
	free(name);
	free(username);
}

/* The devices of this broker; how many have no device-config, and so no broker. */
static size_t
want_devices(struct sync *s, const char *broker)
{
	const struct objects *all = &s->view.v[VIEW_DEVICES];
	size_t without = 0, i;

	for (i = 0; i < all->n; i++) {
		struct span device = buf_as_span(&all->v[i]);
		json_int_t id = lookup_id_of(device);
		struct span config =
		    view_by_id(&s->view, VIEW_CONFIGS, "dispositivo", id);

		if (config.p == NULL)
			without++;
		else if (view_member_is(config, "broker", broker))
			want_device(s, device, is_active(s, id, config));
	}
	return without;
}

static void
want_service(struct sync *s, const char *username)
{
	struct sync_user *u;

	if (username[0] == '\0')
		return;
	acl_of_service(&s->view, &s->topics, username, &s->access);
	u = sync_user(s, username);
	u->known = u->wanted = true;
}

static int
want_services(struct sync *s, struct span broker)
{
	char *own = view_text_of(broker, "username");
	size_t i;

	want_service(s, own);
	for (i = 0; i < s->c->args->services.n; i++)
		want_service(s, s->c->args->services.v[i]);
	free(own);
	return 0;
}

/* Devices by name; a user is chosen when one of its devices is. */
static int
choose(struct sync *s, const struct strv *devices, struct err *err)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		s->v[i].chosen = devices->n == 0;
	for (i = 0; i < devices->n; i++) {
		struct lookup_found f;
		struct sync_user *u;
		char *username, digits[24];

		if (lookup_among(schema_find("device"), &s->view.v[VIEW_DEVICES],
			devices->v[i], &f.id, err))
			return -1;
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, f.id);
		username =
		    acl_login_of(&s->view, view_by(&s->view, VIEW_DEVICES, "id", digits));
		u = username[0] != '\0' ? sync_find(s, username) : NULL;
		free(username);
		if (u == NULL)
			return err_set(err, ERR_NOT_FOUND,
			    _("device '%s' has no login at broker '%s': it needs a "
			      "credential, and a device-config that names the broker"),
			    devices->v[i], s->name);
		u->chosen = true;
	}
	return 0;
}

/* For who has no known password. One that is cut lets nobody in, and a mosquitto that reads it ends. */
static void
take_hash(struct sync *s, const char *username, const char *hash)
{
	struct sync_user *u = sync_find(s, username);
	struct err why;

	if (u == NULL || u->hash != NULL || strncmp(hash, "$7$", 3) != 0)
		return;
	if (device_password_is_readable(hash)) {
		u->hash = xstrdup(hash);
		return;
	}
	if (!u->wanted || !u->chosen || u->password != NULL || u->failed)
		return;
	err_set(&why, ERR_USAGE, _("login '%s': its hash in '%s' is cut or spoiled"),
	    username, s->c->args->hashes);
	sync_failed(s, u, &why);
}

/* USER:$7$..., as mosquitto and 'iotapi export mosquitto' write it. */
static int
read_hashes(struct sync *s, struct err *err)
{
	const char *path = s->c->args->hashes;
	struct buf text = {0};
	struct strv lines = {0};
	int failed;
	size_t i;

	if (path == NULL)
		return 0;
	failed = file_read(path, HASHES_MOST, &text, err);
	if (!failed)
		strv_split(&lines, buf_str(&text), '\n');
	for (i = 0; i < lines.n; i++) {
		char *colon = strchr(lines.v[i], ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		take_hash(s, lines.v[i], colon + 1);
	}
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_release(&text);
	strv_release(&lines);
	return failed;
}

/* Who has no rule at all has a name. */
static int
render(struct sync *s, struct sync_user *u, struct err *err)
{
	const struct access *a = access_find(&s->access, u->username);
	const struct sync_driver *d = s->driver;
	struct buf out = {0};
	int failed = d->check_name != NULL ? d->check_name(u->username, err) : 0;

	if (!failed && a != NULL)
		failed = d->render(s, a, &out, err);
	if (!failed && out.n != 0)
		u->rules = buf_steal(&out);
	buf_release(&out);
	return failed;
}

static int
render_all(struct sync *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct sync_user *u = &s->v[i];
		struct err why = {0};

		if (!u->wanted || render(s, u, &why) == 0)
			continue;
		err_in(&why, _("login '%s'"), u->username);
		sync_failed(s, u, &why);
	}
	return 0;
}

/* What we may not see is not what there is not. */
static int
check_view(const struct sync *s, struct err *err)
{
	static const struct {
		enum view_part part;
		const char *name;
		bool must; /* there is no platform without */
	} parts[] = {{VIEW_CREDENTIALS, "credential", true},
	    {VIEW_CONFIGS, "device-config", true}, {VIEW_TOPICS, "topic", true},
	    {VIEW_ACCOUNTS, "emqx-user", false}, {VIEW_RULES, "emqx-acl", false}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (s->view.hidden[parts[i].part] ||
		    (parts[i].must && s->view.missing[parts[i].part]))
			return err_set(err, ERR_AUTH,
			    _("the API does not show us '%s': the broker would lose what "
			      "is there"),
			    parts[i].name);
	}
	return 0;
}

static bool
is_operator(struct span user)
{
	struct buf role = {0};
	struct span detail, flag;
	bool is = !(json_member(user, "is_superuser", &flag) &&
		      json_kind(flag) == JSON_KIND_TRUE) &&
	    json_member(user, "rol_detail", &detail) &&
	    json_kind(detail) == JSON_KIND_OBJECT &&
	    json_member_string(detail, "nombre", &role) &&
	    strcmp(buf_str(&role), "operador") == 0;

	buf_release(&role);
	return is;
}

/* Who sees only some devices takes all others for unknown. A platform without users shows all. */
static int
check_prune(struct sync *s, struct err *err)
{
	static const char path[] = "/api/users/me/";
	struct rest_reply reply = {0};
	struct err why = {0};
	struct span user;
	int failed = 0;

	if (!s->c->args->prune)
		return 0;
	if (ctl_call(s->c, NULL, "GET", path, (struct span){0}, &reply, &why) ||
	    ctl_object(&reply, path, &user, &why))
		failed = why.code != ERR_NOT_FOUND;
	else if (is_operator(user))
		failed = err_set(&why, ERR_AUTH,
		    _("--prune: an operator is shown some devices only, and the logins "
		      "of all others would go"));
	rest_reply_release(&reply);
	if (failed)
		*err = why;
	return failed ? -1 : 0;
}

/* Its devices, of which there has to be one before all that is unknown goes: who may see some only, or names the
 * wrong broker, is shown none. */
static int
want_all_devices(struct sync *s, const char *id, struct err *err)
{
	size_t without = want_devices(s, id);

	if (without != 0)
		log_warn(_("devices without a device-config, which belong to no "
			   "broker: %zu"),
		    without);
	if (s->n == 0 && s->c->args->prune)
		return err_set(err, ERR_FAILED,
		    _("--prune: the API shows us no device with a login at broker '%s': "
		      "all that it has would go"),
		    s->name);
	return 0;
}

int
sync_want(struct sync *s, const char *broker, const struct strv *devices, struct err *err)
{
	struct lookup_found f;
	char digits[24];
	int failed = lookup(s->c, schema_find("broker"), broker, &f, err);

	if (failed)
		return -1;
	s->name = xstrdup(f.label);
	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, f.id);
	/* Before the platform is asked: what it says must not be older than what another has written. */
	if (!s->c->args->dry_run)
		failed = (s->lock = s->driver->lock(s, buf_as_span(&f.bytes), err)) < 0;
	failed = failed || topic_set_compile(&s->topics, &s->c->args->topics, err) ||
	    password_file_open(s->c, &s->passwords, err) ||
	    view_load(s->c, NULL, &s->view, err) || check_view(s, err) ||
	    check_prune(s, err) || want_all_devices(s, digits, err) ||
	    want_services(s, buf_as_span(&f.bytes)) || choose(s, devices, err) ||
	    read_hashes(s, err) || render_all(s);
	s->failed += s->access.left_out;
	lookup_release(&f);
	return failed ? -1 : 0;
}
