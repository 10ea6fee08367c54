/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/login.h"

#include "base/text.h"
#include "model/topic.h"

int
login_choose(struct login *l, const struct credentials *credentials,
    const char *client_id, const char *id, struct err *err)
{
	l->credential = credentials_find(credentials, id);
	l->client_id = id;
	if (client_id != NULL)
		l->client_id = client_id;
	else if (l->credential != NULL && l->credential->client_id != NULL)
		l->client_id = l->credential->client_id;
	if (topic_check_id(span_of(l->client_id), _("client id"), err))
		return err_in(err, _("device '%s'"), id);
	return 0;
}

void
login_set(const struct login *l, bool given, struct session_opts *out)
{
	const struct credential *c = l->credential;

	if (c == NULL)
		return;
	if (c->username != NULL && !given) {
		out->username = c->username;
		out->password = c->password;
	}
	if (c->cert != NULL) {
		out->cert = c->cert;
		out->key = c->key;
		out->tls = true;
		out->shared_tls = NULL;
	}
}
