/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EMQX's own accounts, where a platform keeps them. */
#include "iotctl/login/account.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/ctl_call.h"

void
account_among(const struct objects *users, struct lookup_found *out)
{
	*out = (struct lookup_found){0};
	if (users->n != 0) {
		struct span user = buf_as_span(&users->v[0]);

		out->id = lookup_id_of(user);
		out->label = view_text_of(user, "username");
		buf_span(&out->bytes, user);
	}
}

int
account_of_device(
    struct ctl *c, json_int_t device, struct lookup_found *out, struct err *err)
{
	struct objects users = {0};
	struct err why = {0};
	int failed =
	    c->no_accounts ? 0 : objects_of_device(c, "emqx-user", device, &users, &why);

	if (failed && why.code == ERR_NOT_FOUND) {
		c->no_accounts = true;
		failed = 0;
	} else if (failed) {
		*err = why;
	}
	account_among(&users, out);
	objects_release(&users);
	return failed;
}

/* Takes `path`. */
static int
send_password(struct ctl *c, const char *doing, const char *method, char *path,
    const char *password, struct err *err)
{
	struct buf body = {0};
	int failed;

	buf_puts(&body, "{\"password\":");
	json_put_string(&body, span_of(password));
	buf_putc(&body, '}');
	failed = ctl_call(c, doing, method, path, buf_as_span(&body), NULL, err);
	explicit_bzero(body.p, body.n);
	buf_release(&body);
	free(path);
	return failed;
}

int
account_set_password(
    struct ctl *c, json_int_t account, const char *password, struct err *err)
{
	return send_password(c, _("cannot set the password of the EMQX user"), "POST",
	    ctl_object_path(schema_find("emqx-user"), account, "change_password"),
	    password, err);
}

int
account_set_credential(
    struct ctl *c, json_int_t credential, const char *password, struct err *err)
{
	return send_password(c, _("cannot set the password of the credential"), "PATCH",
	    ctl_object_path(schema_find("credential"), credential, NULL), password, err);
}
