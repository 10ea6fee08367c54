/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new password for a device, at the API alone; emqx-user set-password NAME [password@FILE]. */
#include "iotctl/login/rotate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "iotctl/apply/sent_secrets.h"
#include "iotctl/core/confirm.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/request.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/value.h"
#include "iotctl/core/view.h"
#include "iotctl/core/write.h"
#include "iotctl/ctl_call.h"
#include "iotctl/login/account.h"
#include "iotctl/login/password_file.h"
#include "iotctl/provision/provision_unit.h"
#include "iotctl/run.h"
#include "iotctl/verbs/device.h"

enum { PASSWORD_LEAST = 8 };

/* A device whose password changes. */
struct rotation {
	struct lookup_found device;
	char *id;                    /* its name in the credentials file */
	struct lookup_found account; /* id 0: none */
	bool lacks_account;    /* the platform has accounts, but not this device's */
	json_int_t credential; /* 0: none, or it stays */
	char *username, *client_id;
	char *password; /* NULL: no new one, only what is pending */
	bool given;     /* ... by the user: no other will do */
	bool finished;  /* what was pending has been taken instead of it */
	struct password_file file;
};

static void
rotation_release(struct rotation *r)
{
	lookup_release(&r->device);
	lookup_release(&r->account);
	free(r->id);
	free(r->username);
	free(r->client_id);
	mem_free_secret(r->password);
	password_file_release(&r->file);
}

/* The credentials file finds rows by this name. */
static int
name_device(struct rotation *r, struct err *err)
{
	r->id = device_name(buf_as_span(&r->device.bytes));
	if (r->id[0] != '\0')
		return 0;
	return err_set(err, ERR_PROTOCOL,
	    _("device '%s' has neither an identificador_unico nor an mqtt_client_id"),
	    r->device.label);
}

static int
find_credential(struct ctl *c, struct rotation *r, struct err *err)
{
	struct objects all = {0};
	int failed = objects_of_device(c, "credential", r->device.id, &all, err);

	if (!failed && all.n != 0) {
		struct span object = buf_as_span(&all.v[0]);

		r->credential = lookup_id_of(object);
		r->username = view_text_of(object, "username");
		r->client_id = view_text_of(object, "client_id");
	}
	objects_release(&all);
	return failed;
}

/* EMQX asks for its own account, whatever the credential says. One that is gone comes back under the name that it
 * had. */
static void
name_account(struct rotation *r)
{
	const struct credential *old = credentials_find(&r->file.known, r->id);

	if (r->account.id == 0 && !r->lacks_account)
		return;
	free(r->username);
	if (r->account.id != 0)
		r->username = xstrdup(r->account.label);
	else if (old != NULL && old->username != NULL)
		r->username = xstrdup(old->username);
	else
		r->username = xasprintf("device_%s", r->id);
}

static int
find_all(struct ctl *c, const char *name, struct rotation *r, struct err *err)
{
	if (password_file_open(c, &r->file, err) ||
	    lookup(c, schema_find("device"), name, &r->device, err) ||
	    name_device(r, err) || find_credential(c, r, err) ||
	    account_of_device(c, r->device.id, &r->account, err))
		return -1;
	if (r->credential == 0 && r->account.id == 0)
		return err_set(err, ERR_NOT_FOUND,
		    _("device '%s' has no credential: 'iotctl credential create' makes "
		      "one"),
		    r->id);
	r->lacks_account = r->account.id == 0 && !c->no_accounts;
	name_account(r);
	if (r->client_id == NULL)
		r->client_id = xstrdup(r->id);
	return 0;
}

/* A device that is online goes on until its connection ends; then it is locked out unless it has
 * learnt the new password. */
static int
may_rotate(const struct ctl *c, const struct rotation *r, struct err *err)
{
	char *question, *no;
	int failed;

	if (c->args->yes || c->args->dry_run ||
	    !view_member_is(buf_as_span(&r->device.bytes), "connection_status", "online"))
		return 0;
	if (!tty_is_there())
		return err_set(err, ERR_USAGE,
		    _("device '%s' is online and must learn its new password: --yes says "
		      "that it will"),
		    r->id);
	question = xasprintf(
	    _("device '%s' is online and must learn its new password; go on? [y/N]"),
	    r->id);
	no = xasprintf(_("'%s' was left as it is"), r->id);
	failed = confirm(question, no, err);
	free(no);
	free(question);
	return failed;
}

static int
save_row(const struct rotation *r, const char *password, struct err *err)
{
	const struct credential *old = credentials_find(&r->file.known, r->id);
	struct credential row = {.device = r->id,
	    .client_id = r->client_id,
	    .username = r->username,
	    .password = password,
	    .cert = old != NULL ? old->cert : NULL,
	    .key = old != NULL ? old->key : NULL};

	return credentials_save(r->file.path, &row, 1, err);
}

/* apply and diff know it from now on. */
static void
note_sent(struct ctl *c, const struct rotation *r, const char *password)
{
	if (r->account.id != 0 || r->lacks_account)
		sent_secrets_note_one(
		    c, schema_find("emqx-user"), r->username, "password", password);
	if (r->credential != 0)
		sent_secrets_note_one(
		    c, schema_find("credential"), r->client_id, "password", password);
}

/* The file gets the new password as soon as it lets the device in. Where there is an
 * EMQX account that is when the account has it, whatever becomes of the credential. */
static int
send_password(struct ctl *c, const struct rotation *r, const char *password, bool *begun,
    struct err *err)
{
	bool account = r->account.id != 0 || r->lacks_account;

	if (account) {
		if (r->lacks_account
			? provision_unit_restore(c, r->id, r->username, password, err)
			: account_set_password(c, r->account.id, password, err))
			return -1;
		*begun = true;
		if (save_row(r, password, err))
			return -1;
	}
	if (r->credential != 0 && account_set_credential(c, r->credential, password, err))
		return -1;
	*begun = true;
	return !account ? save_row(r, password, err) : 0;
}

/* Whether nothing was done; after any other failure nobody knows. */
static bool
was_refused(const struct err *err)
{
	return err->code == ERR_REFUSED || err->code == ERR_AUTH ||
	    err->code == ERR_NOT_FOUND || err->code == ERR_USAGE;
}

/* It is pending before the platform can have it: a password that nobody knows would lock the device out.
 * `begun`: whether the platform took it, in one place at least. */
static int
try_password(
    struct ctl *c, struct rotation *r, const char *password, bool *begun, struct err *err)
{
	bool fresh = !password_file_is_pending(&r->file, r->id, password);
	struct err why = {0};

	*begun = false;
	if (fresh && password_file_add(&r->file, r->id, password, err))
		return -1;
	if (send_password(c, r, password, begun, err) == 0) {
		note_sent(c, r, password);
		return password_file_settle(&r->file, r->id, err);
	}
	if (*begun)
		return err_in(err,
		    _("'%s' may have its new password in one place only: run it again"),
		    r->id);
	if (!was_refused(err))
		return err_in(err,
		    _("'%s' has its old password or its new one, and both are kept: run "
		      "it again"),
		    r->id);
	if (fresh && password_file_drop(&r->file, r->id, password, &why))
		log_warn("%s", why.text);
	return -1;
}

/* A password that an earlier run has left pending is tried first: it is as good as a new one. When the platform
 * refuses it, nobody knows whether it has it already: it stays pending until another one is accepted. */
static int
rotate(struct ctl *c, struct rotation *r, struct err *err)
{
	const char *last = password_file_pending(&r->file, r->id);
	char *open = last != NULL && !r->given ? xstrdup(last) : NULL;
	bool begun = false;
	int failed = 0;

	if (open != NULL) {
		failed = try_password(c, r, open, &begun, err);
		r->finished = !failed;
	}
	if (failed && !begun && err->code == ERR_REFUSED && r->password != NULL) {
		*err = (struct err){0};
		failed = 0;
	}
	if (!failed && !r->finished && r->password != NULL)
		failed = try_password(c, r, r->password, &begun, err);
	mem_free_secret(open);
	return failed ? -1 : 0;
}

/* One that goes over a broker is the device's to end, by coming with it. */
static int
check_broker(const struct rotation *r, struct err *err)
{
	struct password_file_mark m;

	if (!password_file_look(&r->file, r->id, &m) || m.stage <= PASSWORD_FILE_PLANNED)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("'%s' has a new password under way to it and to broker '%s': 'iotctl "
	      "credential rotate %s' with --driver and --deliver goes on with it"),
	    r->id, m.broker != NULL ? m.broker : "", r->id);
}

/* One rotation at a time: of two, one would leave its password in the file and the other its own on the
 * platform. */
static int
rotate_alone(struct ctl *c, struct rotation *r, struct err *err)
{
	char *path;
	int lock, failed;

	if (password_file_claim(&r->file, err))
		return -1;
	path = xasprintf("%s.lock", r->file.path);
	lock = file_lock(path, err);
	/* Another process may have changed it while we waited for the lock. */
	failed = lock < 0 || password_file_reload(&r->file, err) ||
	    check_broker(r, err) || rotate(c, r, err);
	if (lock >= 0)
		close(lock);
	free(path);
	return failed ? -1 : 0;
}

int
rotate_finish(struct ctl *c, json_int_t device, struct err *err)
{
	struct rotation r = {0};
	char *name = xasprintf("id:%" JSON_INTEGER_FORMAT, device);
	int failed = find_all(c, name, &r, err) || rotate_alone(c, &r, err);

	rotation_release(&r);
	free(name);
	return failed ? -1 : 0;
}

static int
rotate_one(struct ctl *c, const char *name, void *arg, struct err *err)
{
	struct rotation r = {0};
	int failed = find_all(c, name, &r, err) || may_rotate(c, &r, err) ||
	    random_password(&r.password, err);

	(void)arg;
	if (!failed && c->args->dry_run)
		failed = check_broker(&r, err);
	if (!failed && c->args->dry_run && r.lacks_account)
		write_show(
		    "POST", "/api/mqtt/emqx-users/", "{\"password\":\"********\"}");
	if (!failed && c->args->dry_run)
		write_show(
		    "PATCH", "/api/mqtt/credentials/", "{\"password\":\"********\"}");
	else if (!failed)
		failed = rotate_alone(c, &r, err);
	if (!failed && !c->args->dry_run)
		ctl_say(c,
		    r.finished ? _("finished what was left open: the password of '%s' is "
				   "in '%s'")
			       : _("rotated the password of '%s'; it is in '%s'"),
		    r.id, r.file.path);
	rotation_release(&r);
	return failed ? -1 : 0;
}

int
rotate_each(struct ctl *c, const struct strv *names, struct err *err)
{
	return jobs_each(c, 1, names, rotate_one, NULL, err);
}

/* The password given, or asked for; a device's is random when none is given. */
static int
take_password(struct ctl *c, const struct request *q, struct rotation *r, struct err *err)
{
	struct field_errs errs = {0};
	json_t *value = NULL;
	int failed = 0;

	if (q->n > 1 || (q->n == 1 && strcmp(q->v[0].field->name, "password") != 0))
		return err_set(
		    err, ERR_USAGE, _("set-password takes password@FILE only"));
	if (q->n == 0 && r->device.id != 0)
		return random_password(&r->password, err);
	r->given = true;
	if (q->n == 0)
		return tty_ask(_("password"), true, &r->password, err);
	value = value_of(c, &q->v[0], &errs, err);
	if (value == NULL)
		failed = errs.n != 0 ? ctl_field_errs(&errs, err) : -1;
	else
		r->password = xstrdup(json_string_value(value));
	json_decref(value);
	field_errs_release(&errs);
	return failed;
}

/* The device of an account, if it has one. */
static int
find_owner(struct ctl *c, struct rotation *r, struct err *err)
{
	char *number = view_text_of(buf_as_span(&r->account.bytes), "dispositivo");
	char *device = xasprintf("id:%s", number);
	int failed = 0;

	if (number[0] != '\0') {
		failed = password_file_open(c, &r->file, err) ||
		    lookup(c, schema_find("device"), device, &r->device, err) ||
		    name_device(r, err) || find_credential(c, r, err);
		free(r->username);
		r->username = xstrdup(r->account.label);
		if (!failed && r->client_id == NULL)
			r->client_id = xstrdup(r->id);
		r->credential = 0;
	}
	free(device);
	free(number);
	return failed ? -1 : 0;
}

static int
set_password(struct ctl *c, const struct request *q, struct rotation *r, struct err *err)
{
	if (lookup(c, q->r, q->names.v[0], &r->account, err) || find_owner(c, r, err) ||
	    take_password(c, q, r, err))
		return -1;
	if (strlen(r->password) < PASSWORD_LEAST)
		return err_set(err, ERR_USAGE,
		    _("the password is too short: %d characters at least"),
		    PASSWORD_LEAST);
	if (c->args->dry_run) {
		if (r->device.id != 0 && check_broker(r, err))
			return -1;
		write_show(
		    "POST", "/api/mqtt/emqx-users/", "{\"password\":\"********\"}");
		return 0;
	}
	if (r->device.id != 0 ? may_rotate(c, r, err) || rotate_alone(c, r, err)
			      : account_set_password(c, r->account.id, r->password, err))
		return -1;
	if (r->device.id == 0)
		sent_secrets_note_one(c, q->r, r->account.label, "password", r->password);
	if (r->file.path != NULL)
		ctl_say(c, _("changed the password of '%s'; it is in '%s'"),
		    r->account.label, r->file.path);
	else
		ctl_say(c, _("changed the password of '%s'"), r->account.label);
	return 0;
}

int
run_set_password(struct ctl *c, const struct operands *in, struct err *err)
{
	struct rotation r = {0};
	struct request q;
	int failed = request_parse(c, schema_find("emqx-user"), in, false, &q, err);

	if (!failed && q.names.n != 1)
		failed = err_set(
		    err, ERR_USAGE, _("emqx-user set-password NAME [password@FILE]"));
	failed = failed || set_password(c, &q, &r, err);
	rotation_release(&r);
	request_release(&q);
	return failed ? -1 : 0;
}
