/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_LOGIN_H
#define IOTPUB_SIM_LOGIN_H

#include "model/credentials.h"
#include "mqtt/session_opts.h"

/* Who a device is at the broker: its client id, and the login of its row of the credentials file. */
struct login {
	const struct credential *credential; /* NULL: it has none */
	const char *client_id;
};

/* Of the device `id`; `client_id`: the one on the command line, or NULL. Points into all three. -1: err, the client id
 * will not do. */
int login_choose(struct login *l, const struct credentials *credentials,
    const char *client_id, const char *id, struct err *err);
/* Sets the login of a connection; *out points into the credentials. `given`: one on the command line, which is meant;
 * the file's is a default. */
void login_set(const struct login *l, bool given, struct session_opts *out);

#endif
