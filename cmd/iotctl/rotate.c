/* SPDX-License-Identifier: GPL-3.0-or-later */
/* credential rotate DEVICE: a new password; emqx-user set-password NAME [password@FILE]. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command.h"
#include "conf/credentials.h"
#include "jobs.h"
#include "random.h"
#include "request.h"
#include "tty.h"
#include "verbs.h"
#include "view.h"

enum { PASSWORD_LEAST = 8 };

/* A device whose password changes. */
struct rotation {
	struct found device;
	char *id;              /* its topic id */
	struct found account;  /* id 0: none */
	json_int_t credential; /* 0: none */
	char *username, *client_id;
	char *password;
	char *path; /* of the credentials file */
	struct credentials known;
};

static void
rotation_release(struct rotation *r)
{
	found_release(&r->device);
	found_release(&r->account);
	free(r->id);
	free(r->username);
	free(r->client_id);
	secret_free(r->password);
	free(r->path);
	credentials_release(&r->known);
}

static int
open_file(struct ctl *c, struct rotation *r, struct err *err)
{
	r->path = credentials_path(c->args->credentials, c->args->common.context);
	if (r->path == NULL)
		return err_set(
		    err, ERR_OUTPUT, _("no place for the credentials: HOME is not set"));
	return credentials_load(&r->known, r->path, false, err);
}

static int
find_credential(struct ctl *c, struct rotation *r, struct err *err)
{
	char *path = xasprintf(
	    "/api/mqtt/credentials/?page_size=1000&dispositivo=%" JSON_INTEGER_FORMAT,
	    r->device.id);
	struct objects all = {0};
	int failed = objects_fetch(c, path, &all, err);
	char digits[24];
	size_t i;

	free(path);
	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, r->device.id);
	for (i = 0; i < all.n && r->credential == 0; i++) {
		struct span object = buf_as_span(&all.v[i]);

		if (!member_is(object, "dispositivo", digits))
			continue;
		r->credential = id_of(object);
		r->username = text_of(object, "username");
		r->client_id = text_of(object, "client_id");
	}
	objects_release(&all);
	return failed;
}

static int
find_all(struct ctl *c, const char *name, struct rotation *r, struct err *err)
{
	if (lookup(c, schema_find("device"), name, &r->device, err))
		return -1;
	r->id = text_of(buf_as_span(&r->device.bytes), "identificador_unico");
	if (find_credential(c, r, err) ||
	    account_of_device(c, r->device.id, &r->account, err) || open_file(c, r, err))
		return -1;
	if (r->credential == 0 && r->account.id == 0)
		return err_set(err, ERR_NOT_FOUND,
		    _("device '%s' has no credential: 'iotctl credential create' makes "
		      "one"),
		    r->id);
	/* EMQX asks for its own account, whatever the credential says. */
	if (r->account.id != 0) {
		free(r->username);
		r->username = xstrdup(r->account.label);
	}
	if (r->client_id == NULL)
		r->client_id = xstrdup(r->id);
	return 0;
}

/* A device that is online goes on until its connection ends; then it is locked out unless it has
 * learnt the new password. */
static int
may_rotate(const struct ctl *c, const struct rotation *r, struct err *err)
{
	char *answer = NULL;
	char *question;
	int failed;

	if (c->args->yes || c->args->dry_run ||
	    !member_is(buf_as_span(&r->device.bytes), "connection_status", "online"))
		return 0;
	if (!tty_is_there())
		return err_set(err, ERR_USAGE,
		    _("device '%s' is online and must learn its new password: --yes says "
		      "that it will"),
		    r->id);
	question = xasprintf(
	    _("device '%s' is online and must learn its new password; go on? [y/N]"),
	    r->id);
	failed = tty_ask(question, false, &answer, err);
	if (!failed && (answer[0] == '\0' || strchr("yYsS", answer[0]) == NULL))
		failed = err_set(err, ERR_FAILED, _("'%s' was left as it is"), r->id);
	free(answer);
	free(question);
	return failed;
}

static int
save_row(struct rotation *r, const char *password, struct err *err)
{
	const struct credential *old = credentials_find(&r->known, r->id);
	struct credential row = {.device = r->id,
	    .client_id = r->client_id,
	    .username = r->username,
	    .password = password,
	    .cert = old != NULL ? old->cert : NULL,
	    .key = old != NULL ? old->key : NULL};

	return credentials_save(r->path, &row, 1, err);
}

static int
change_credential(struct ctl *c, const struct rotation *r, struct err *err)
{
	char *path =
	    xasprintf("/api/mqtt/credentials/%" JSON_INTEGER_FORMAT "/", r->credential);
	struct buf body = {0};
	int failed;

	buf_puts(&body, "{\"password\":");
	json_put_string(&body, span_of(r->password));
	buf_putc(&body, '}');
	failed = ctl_call(c, _("cannot set the password of the credential"), "PATCH",
	    path, buf_as_span(&body), NULL, err);
	explicit_bzero(body.p, body.n);
	buf_release(&body);
	free(path);
	return failed;
}

/* The file has it before the platform does: a password that nobody knows would lock the device out. When
 * the platform refused, the file goes back; when nobody knows what it did, both need another run. */
static int
rotate(struct ctl *c, struct rotation *r, bool credential, struct err *err)
{
	const struct credential *old = credentials_find(&r->known, r->id);
	struct err ignored = {0};
	bool begun = false;
	int failed;

	if (save_row(r, r->password, err))
		return -1;
	failed = r->account.id != 0 &&
	    account_set_password(c, r->account.id, r->password, err) != 0;
	begun = !failed && r->account.id != 0;
	if (!failed && credential)
		failed = change_credential(c, r, err);
	if (failed && !begun && err->code != ERR_UNREACHABLE) {
		if (old != NULL)
			save_row(r, old->password, &ignored);
		else
			credentials_forget(r->path, r->id, &ignored);
	} else if (failed) {
		err_in(err,
		    _("'%s' may have its new password in one place only: run it again"),
		    r->id);
	}
	return failed ? -1 : 0;
}

/* One rotation at a time: of two, one would leave its password in the file and the other its own on the
 * platform. */
static int
rotate_alone(struct ctl *c, struct rotation *r, bool credential, struct err *err)
{
	char *path = xasprintf("%s.lock", r->path);
	int lock = file_lock(path, err);
	int failed = lock < 0;

	/* What the one before left. */
	credentials_release(&r->known);
	failed = failed || credentials_load(&r->known, r->path, false, err) ||
	    rotate(c, r, credential, err);
	if (lock >= 0)
		close(lock);
	free(path);
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
		say_request(
		    "PATCH", "/api/mqtt/credentials/", "{\"password\":\"********\"}");
	else if (!failed)
		failed = rotate_alone(c, &r, r.credential != 0, err);
	if (!failed && !c->args->dry_run)
		ctl_say(
		    c, _("rotated the password of '%s'; it is in '%s'"), r.id, r.path);
	rotation_release(&r);
	return failed ? -1 : 0;
}

int
run_rotate(struct ctl *c, const struct operands *in, struct err *err)
{
	struct strv names = {0};
	size_t i;
	int failed;

	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("credential rotate DEVICE..."));
	for (i = 0; i < in->n; i++)
		strv_add(&names, in->v[i]);
	failed =
	    ctl_names(c, &names, err) || jobs_each(c, 1, &names, rotate_one, NULL, err);
	strv_release(&names);
	return failed ? -1 : 0;
}

/* The password given, or asked for; a device's may be left to chance. */
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
	char *number = text_of(buf_as_span(&r->account.bytes), "dispositivo");
	char *device = xasprintf("id:%s", number);
	int failed = 0;

	if (number[0] != '\0') {
		failed = lookup(c, schema_find("device"), device, &r->device, err) ||
		    find_credential(c, r, err) || open_file(c, r, err);
		free(r->username);
		r->username = xstrdup(r->account.label);
		r->id = text_of(buf_as_span(&r->device.bytes), "identificador_unico");
		if (r->client_id == NULL)
			r->client_id = xstrdup(r->id);
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
		say_request(
		    "POST", "/api/mqtt/emqx-users/", "{\"password\":\"********\"}");
		return 0;
	}
	if (r->device.id != 0 ? may_rotate(c, r, err) || rotate_alone(c, r, false, err)
			      : account_set_password(c, r->account.id, r->password, err))
		return -1;
	ctl_say(c, _("changed the password of '%s'%s%s"), r->account.label,
	    r->path != NULL ? _("; it is in ") : "", r->path != NULL ? r->path : "");
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
