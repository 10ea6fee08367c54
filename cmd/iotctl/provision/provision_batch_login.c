/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logins of new devices. */
#include "iotctl/provision/provision_batch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "iotctl/core/jobs.h"
#include "iotctl/login/rotate.h"

/* A password in the file that the platform never got is taken again: the run that wrote it was cut
 * off in between. One that a rotation has brought to the broker is the only one that counts there. */
static int
choose_login(struct unit *u, const struct password_file *file, struct err *err)
{
	const struct credential *old = credentials_find(&file->known, u->device);
	const char *password = password_file_at_broker(file, u->device);

	if (password == NULL && old != NULL)
		password = old->password;
	u->username = old != NULL && old->username != NULL
	    ? xstrdup(old->username)
	    : xasprintf("device_%s", u->device);
	if (password == NULL)
		return random_password(&u->password, err);
	u->password = xstrdup(password);
	return 0;
}

/* Another process may provision the same devices now. The file keeps the first
 * password of each, and both processes send that one. */
static int
add_logins(struct batch *b, const char *path, const struct credential *rows, size_t n,
    struct err *err)
{
	struct credentials now = {0};
	size_t i;
	int failed = credentials_add(path, rows, n, err) != 0 ||
	    credentials_load(&now, path, true, err) != 0;

	for (i = 0; i < b->n && !failed; i++) {
		struct unit *u = &b->v[i];
		const struct credential *own =
		    u->password != NULL ? credentials_find(&now, u->device) : NULL;

		if (own == NULL || own->password == NULL || own->username == NULL ||
		    password_file_at_broker(&b->file, u->device) != NULL)
			continue;
		mem_free_secret(u->password);
		u->password = xstrdup(own->password);
		free(u->username);
		u->username = xstrdup(own->username);
	}
	credentials_release(&now);
	return failed ? -1 : 0;
}

int
provision_batch_save_logins(struct batch *b, struct err *err)
{
	struct credential *rows = xcalloc(b->n + 1, sizeof(*rows));
	size_t n = 0, i;
	int failed = 0;

	for (i = 0; i < b->n && !failed; i++) {
		struct unit *u = &b->v[i];

		if (u->failed || (u->has_credential && !u->lacks_account))
			continue;
		/* rotate_finish sends that one, and makes the account. */
		if (u->has_credential &&
		    password_file_pending(&b->file, u->device) != NULL)
			continue;
		failed = choose_login(u, &b->file, err);
		rows[n++] = (struct credential){.device = u->device,
		    .client_id = u->device,
		    .username = u->username,
		    .password = u->password};
	}
	if (!failed && n != 0 && !b->c->args->dry_run)
		failed = password_file_claim(&b->file, err) ||
		    add_logins(b, b->file.path, rows, n, err);
	free(rows);
	return failed ? -1 : 0;
}

void
provision_batch_finish_logins(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		struct unit *u = &b->v[i];

		u->pending = !u->failed && u->has_credential &&
		    password_file_pending(&b->file, u->device) != NULL;
		if (!u->pending || b->c->args->dry_run || b->c->signo != 0)
			continue;
		if (b->hopeless != NULL)
			u->err = *b->hopeless;
		u->failed =
		    b->hopeless != NULL || rotate_finish(b->c, u->id, &u->err) != 0;
		if (u->failed && b->hopeless == NULL && jobs_are_hopeless(&u->err))
			b->hopeless = &u->err;
	}
}
