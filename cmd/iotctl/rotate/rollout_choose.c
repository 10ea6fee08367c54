/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices get new passwords, and at which broker. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/acl/acl.h"
#include "iotctl/rotate/rollout.h"
#include "iotctl/verbs/device.h"

/* The broker of a list of device-configs, "" with none of them; -1: they have several. */
static int
one_broker(const struct objects *configs, char **out, struct err *err)
{
	size_t i;

	*out = xstrdup("");
	for (i = 0; i < configs->n; i++) {
		char *broker = view_text_of(buf_as_span(&configs->v[i]), "broker");
		const bool other = (*out)[0] != '\0' && strcmp(*out, broker) != 0;

		if ((*out)[0] == '\0') {
			free(*out);
			*out = broker;
		} else {
			free(broker);
		}
		if (other)
			return err_set(err, ERR_USAGE,
			    _("the devices are at several brokers: 'credential rotate "
			      "--all BROKER' says which"));
	}
	return 0;
}

/* That of the first: sync_want refuses those of another. */
static int
fetch_configs(
    struct ctl *c, const struct strv *names, struct objects *out, struct err *err)
{
	json_int_t device;

	if (c->args->all)
		return objects_fetch(c, "device-config", "", out, err);
	return lookup_id(c, schema_find("device"), names->v[0], &device, err) ||
		objects_of_device(c, "device-config", device, out, err)
	    ? -1
	    : 0;
}

char *
rollout_broker(struct ctl *c, const struct strv *names, struct err *err)
{
	struct objects configs = {0};
	char *digits = NULL, *name = NULL;
	json_int_t id;
	int failed;

	if (c->args->all && names->n != 0)
		return lookup_id(c, schema_find("broker"), names->v[0], &id, err) == 0
		    ? xasprintf("id:%" JSON_INTEGER_FORMAT, id)
		    : NULL;
	failed =
	    fetch_configs(c, names, &configs, err) || one_broker(&configs, &digits, err);
	if (!failed && digits[0] == '\0')
		err_set(err, ERR_NOT_FOUND,
		    _("'%s' has no device-config, which would name its broker"),
		    c->args->all ? "--all" : names->v[0]);
	else if (!failed)
		name = xasprintf("id:%s", digits);
	free(digits);
	objects_release(&configs);
	return name;
}

/* What choosing needs of each device of the view. */
struct candidate {
	char *id;
	size_t user;
	bool ours; /* it is at this broker, and has a login */
};

/* How many devices have the login of each user. */
static size_t *
find_candidates(struct rollout *r, struct candidate *v)
{
	const struct objects *devices = &r->sync.view.v[VIEW_DEVICES];
	size_t *owners = xcalloc(r->sync.n + 1, sizeof(*owners));
	size_t i;

	for (i = 0; i < devices->n; i++) {
		struct span device = buf_as_span(&devices->v[i]);
		struct span config = view_by_id(
		    &r->sync.view, VIEW_CONFIGS, "dispositivo", lookup_id_of(device));
		char *login = acl_login_of(&r->sync.view, device);
		const struct sync_user *u = sync_find(&r->sync, login);

		free(login);
		v[i].id = device_name(device);
		if (u == NULL || u->device == NULL ||
		    !view_member_is(config, "broker", r->broker))
			continue;
		v[i].ours = true;
		v[i].user = (size_t)(u - r->sync.v);
		owners[v[i].user]++;
	}
	return owners;
}

/* Who has no password that could change. */
static int
has_password(const struct sync_user *u, struct err *err)
{
	if (u->certified)
		return err_set(
		    err, ERR_USAGE, _("it shows a certificate, and has no password"));
	if (!u->wanted)
		return err_set(err, ERR_USAGE,
		    _("it is not let in: its credential or its device-config is not "
		      "active"));
	return 0;
}

static int
may_change(const struct sync_user *u, size_t owners, struct err *err)
{
	if (owners > 1)
		return err_set(err, ERR_USAGE,
		    _("its login '%s' is that of other devices, too, which would be "
		      "locked out"),
		    u->username);
	if (u->failed)
		return err_set(
		    err, ERR_USAGE, _("its login '%s' cannot be synced"), u->username);
	if (!u->there)
		return err_set(err, ERR_USAGE,
		    _("its login '%s' is not at the broker: 'iotctl broker sync' makes "
		      "it"),
		    u->username);
	return 0;
}

static void
add(struct rollout *r, const struct candidate *from, json_int_t device)
{
	struct span credential =
	    view_by_id(&r->sync.view, VIEW_CREDENTIALS, "dispositivo", device);
	struct span account =
	    view_by_id(&r->sync.view, VIEW_ACCOUNTS, "dispositivo", device);
	struct rollout_device *d = &r->v[r->n++];
	struct password_file_mark m;

	d->user = from->user;
	d->id = xstrdup(from->id);
	d->credential = credential.p != NULL ? lookup_id_of(credential) : 0;
	d->account = account.p != NULL ? lookup_id_of(account) : 0;
	d->client_id = view_text_of(credential, "client_id");
	if (d->client_id[0] == '\0') {
		free(d->client_id);
		d->client_id = xstrdup(d->id);
	}
	password_file_look(&r->file, d->id, &m);
	d->stage = m.stage;
	d->round = m.round;
}

static void
refuse(struct rollout *r, const struct candidate *who, struct err *why)
{
	err_in(why, _("device '%s'"), who->id);
	log_err(why);
	r->failed++;
}

/* Named with others of this broker, of which one has its login. */
static void
refuse_stranger(struct rollout *r, const struct candidate *who)
{
	struct err why = {0};

	err_set(&why, ERR_USAGE, _("it is not at broker '%s'"), r->sync.name);
	refuse(r, who, &why);
}

/* One that was named is told why not; of all those without a password are passed over. */
static void
consider(struct rollout *r, const struct candidate *from, size_t owners, size_t i)
{
	const struct sync_user *u = &r->sync.v[from->user];
	struct err why = {0};

	if (has_password(u, &why) != 0) {
		if (r->c->args->all)
			return;
	} else if (may_change(u, owners, &why) == 0) {
		add(r, from,
		    lookup_id_of(buf_as_span(&r->sync.view.v[VIEW_DEVICES].v[i])));
		return;
	}
	refuse(r, from, &why);
}

/* Which of the view are meant. */
static int
pick(struct rollout *r, const struct strv *names, bool *picked, struct err *err)
{
	const struct objects *devices = &r->sync.view.v[VIEW_DEVICES];
	struct hash_table index = {0};
	size_t i, k;
	int failed = 0;

	for (i = 0; i < devices->n; i++) {
		json_int_t id = lookup_id_of(buf_as_span(&devices->v[i]));

		picked[i] = r->c->args->all;
		hash_table_add(
		    &index, hash_of((struct span){(const char *)&id, sizeof(id)}), i);
	}
	for (i = 0; i < names->n && !r->c->args->all && !failed; i++) {
		struct hash_search at;
		json_int_t id = 0;

		failed =
		    lookup_among(schema_find("device"), devices, names->v[i], &id, err);
		at = hash_find(
		    &index, hash_of((struct span){(const char *)&id, sizeof(id)}));
		while (!failed && hash_next(&at, &k))
			picked[k] |= lookup_id_of(buf_as_span(&devices->v[k])) == id;
	}
	hash_table_release(&index);
	return failed;
}

/* What was begun first. */
static int
by_stage(const void *a, const void *b)
{
	const struct rollout_device *x = a, *y = b;

	if (x->stage != y->stage)
		return x->stage > y->stage ? -1 : 1;
	return x->user < y->user ? -1 : x->user > y->user ? 1 : 0;
}

static void
device_release(struct rollout_device *d)
{
	free(d->id);
	free(d->client_id);
	mem_free_secret(d->password);
	free(d->seen);
	free(d->status_topic);
	free(d->data_filter);
}

/* A round of --all is over when all of it have come, or somebody says --again. One device that was begun by its name is
 * no round, which would keep all others from theirs. */
static void
go_on_with_round(struct rollout *r)
{
	size_t begun = 0, of_round = 0, i;

	for (i = 0; i < r->n; i++) {
		begun += r->v[i].stage != PASSWORD_FILE_NONE;
		of_round += r->v[i].round;
	}
	if (of_round == 0 || begun == r->n || r->c->args->again)
		return;
	ctl_say(r->c,
	    _("going on with what is begun: %zu; the last --all is over for the others, "
	      "which keep their passwords: %zu (--again: all of them anew)"),
	    begun, r->n - begun);
	while (r->n > begun)
		device_release(&r->v[--r->n]);
}

int
rollout_choose(struct rollout *r, const struct strv *names, struct err *err)
{
	const struct objects *devices = &r->sync.view.v[VIEW_DEVICES];
	struct candidate *all = xcalloc(devices->n + 1, sizeof(*all));
	bool *picked = xcalloc(devices->n + 1, sizeof(*picked));
	size_t *owners = find_candidates(r, all);
	int failed = pick(r, names, picked, err);
	size_t i;

	r->v = xcalloc(devices->n + 1, sizeof(*r->v));
	for (i = 0; i < devices->n && !failed; i++) {
		if (picked[i] && all[i].ours)
			consider(r, &all[i], owners[all[i].user], i);
		else if (picked[i] && !r->c->args->all)
			refuse_stranger(r, &all[i]);
	}
	qsort(r->v, r->n, sizeof(*r->v), by_stage);
	if (r->c->args->all)
		go_on_with_round(r);
	for (i = 0; i < devices->n; i++)
		free(all[i].id);
	free(all);
	free(owners);
	free(picked);
	return failed;
}

void
rollout_release(struct rollout *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		device_release(&r->v[i]);
	free(r->v);
	free(r->broker_name);
	password_file_release(&r->file);
}
