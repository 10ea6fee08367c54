/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_ACCOUNT_H
#define IOTCTL_LOGIN_ACCOUNT_H

#include "iotctl/core/lookup.h"

/* The account that EMQX lets a device in with (lookup_release, in every case); out->id is 0 if it has none, or
 * the platform knows no accounts (then c->no_accounts is set, and nobody asks again). All block
 * but account_among. */
int account_of_device(
    struct ctl *c, json_int_t device, struct lookup_found *out, struct err *err);
/* The same where they are known: `users` are the device's. */
void account_among(const struct objects *users, struct lookup_found *out);
int account_set_password(
    struct ctl *c, json_int_t account, const char *password, struct err *err);
/* The same of a credential, where the platform keeps it besides. */
int account_set_credential(
    struct ctl *c, json_int_t credential, const char *password, struct err *err);

#endif
