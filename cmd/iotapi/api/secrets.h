/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_API_SECRETS_H
#define IOTAPI_API_SECRETS_H

#include <jansson.h>

#include "model/schema.h"
#include "iotapi/api/secretbox.h"
#include "iotapi/db/db.h"

/* The secret fields of the schema: which are hashed for who checks them, which sealed for who uses them. */

/* Replaces the secrets in `values` by what is stored of them, FIELD_hash and FIELD_sealed. `id` is 0 for a new
 * object, `db` a reader, `rounds` PBKDF2's of a device's password. Takes its time (a hash of it for each broker
 * and credential of that user name), so call it before the transaction. ERR_FAILED: no random numbers, or the
 * key does not work. */
int secrets_protect(const struct secretbox *box, int rounds, struct db *db,
    const struct schema_resource *r, int64_t id, json_t *values, struct err *err);

/* How many secrets of the database are sealed, and how many of them a key does not open. */
struct secrets_sealed {
	int64_t n, shut;
	char first[64]; /* of those: "broker.password of 3" */
};
/* `box` NULL: no key opens anything. Not 0: the database failed. */
int secrets_count_sealed(struct db *db, const struct secretbox *box,
    struct secrets_sealed *out, struct err *err);

#endif
