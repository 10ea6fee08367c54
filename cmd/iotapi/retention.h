/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_RETENTION_H
#define IOTAPI_RETENTION_H

#include "loop/loop.h"
#include "iotapi/db/store.h"

/*
 * Readings that are older than they are to be kept: deleted in small steps with pauses, from the start on and once a
 * minute. Their age counts from the newest reading, where that is before now: neither a clock that is set too far ahead
 * nor a fleet that is silent takes everything away.
 */
struct retention;

/* `keep_ms` 0: for ever, and NULL is returned. On the loop, which it does not block. */
struct retention *retention_new(struct loop *loop, struct store *store, int64_t keep_ms);
/* Blocks until its step is done. Accepts NULL. */
void retention_free(struct retention *r);

/* One step, inside a transaction, at a wall clock of `now_us`. *more: there may be others. */
int retention_step(struct db *db, int64_t keep_ms, int64_t now_us, int64_t *deleted,
    bool *more, struct err *err);

#endif
