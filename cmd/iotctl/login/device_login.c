/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/login/device_login.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "iotctl/core/view.h"
#include "iotctl/login/password_file.h"
#include "iotctl/verbs/device.h"

/* `to` NULL: it goes. */
static void
move(struct ctl *c, const char *from, const char *to)
{
	struct password_file file;
	struct err why = {0};
	bool there;

	if (password_file_open_any(c, &file, &why)) {
		log_warn(_("the login of '%s' stays as it is: %s"), from, why.text);
	} else if (password_file_use(c, &file, &why) == 0 && file.path != NULL) {
		there = credentials_find(&file.known, from) != NULL ||
		    password_file_pending(&file, from) != NULL;
		if (there && password_file_rename(&file, from, to, &why))
			log_warn("%s", why.text);
		else if (there && to == NULL)
			log_warn(_("the login of '%s' is out of '%s'"), from, file.path);
		else if (there)
			log_warn(_("the login of '%s' is that of '%s' in '%s'"), from, to,
			    file.path);
	}
	password_file_release(&file);
}

void
device_login_forget(struct ctl *c, const struct schema_resource *r, struct span object)
{
	char *name;

	if (strcmp(r->name, "device") != 0 || c->args->keep_credentials)
		return;
	name = device_name(object);
	if (name[0] != '\0')
		move(c, name, NULL);
	free(name);
}

void
device_login_rename(struct ctl *c, const char *from, const char *to)
{
	move(c, from, to);
}

/* By its user name; one with a certificate may have none, and goes by its client id. */
static bool
is_login_of(const struct credential *row, struct span credential)
{
	return row->username != NULL
	    ? view_member_is(credential, "username", row->username)
	    : row->client_id != NULL &&
		view_member_is(credential, "client_id", row->client_id);
}

bool
device_login_is_left(struct ctl *c, const char *from, const char *to,
    const struct objects *credentials, const struct lookup_found *account)
{
	const struct credential *row = NULL;
	struct password_file file;
	struct err why = {0};
	bool is = false;
	size_t i;

	if (password_file_open(c, &file, &why) == 0 &&
	    credentials_find(&file.known, to) == NULL)
		row = credentials_find(&file.known, from);
	for (i = 0; i < credentials->n && row != NULL; i++)
		is |= is_login_of(row, buf_as_span(&credentials->v[i]));
	if (row != NULL && account->id != 0)
		is |= text_equal(row->username, account->label);
	password_file_release(&file);
	return is;
}
