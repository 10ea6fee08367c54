/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_H
#define INGEST_H

#include "msg/message.h"
#include "model/topic.h"
#include "iotapi/db/db.h"

/* Where messages come from, as templates. */
struct ingest {
	const struct topics *topics; /* the platform's own */
	struct topic **more;         /* the database's publish topics */
	size_t count;
};

/* Turns one message into rows, inside a transaction: readings, presence, or a reject. Not 0 only
 * when the database failed. */
int ingest_message(
    struct db *db, const struct ingest *in, const struct msg *m, struct err *err);

#endif
