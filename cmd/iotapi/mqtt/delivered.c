/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/delivered.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

/* A message in a row: identifier and hash, as this machine has them. */
enum { MID = sizeof(uint16_t), SIZE = MID + sizeof(uint64_t) };

static uint64_t
hash_of_message(const struct msg *m)
{
	const uint64_t hash = hash_add(hash_of(m->topic), (struct span){"", 1});

	return hash_add(hash, m->payload);
}

/* What the newest entry with its identifier says; false: there is none among the last *most, which becomes less by
 * those that were looked at. */
static bool
find(const struct buf *entries, uint16_t wanted, size_t *most, uint64_t *hash)
{
	size_t at = entries->n - entries->n % SIZE;
	uint16_t mid;

	for (; at >= SIZE && *most > 0; --*most) {
		at -= SIZE;
		memcpy(&mid, entries->p + at, sizeof(mid));
		if (mid != wanted)
			continue;
		memcpy(hash, entries->p + at + MID, sizeof(*hash));
		return true;
	}
	return false;
}

static void
read_before(struct delivered *d, struct db *db)
{
	sqlite3_stmt *stmt = db_query(db, NULL,
	    "SELECT messages FROM delivered WHERE broker = ?1 ORDER BY batch", "i",
	    d->broker);

	d->read = true;
	while (stmt != NULL && db_step(db, stmt, NULL) == 1)
		buf_span(&d->before, db_column_blob(stmt, 0));
}

bool
delivered_has(struct delivered *d, struct db *db, const struct msg *m)
{
	size_t most = DELIVERED_MESSAGES;
	uint64_t hash;

	if (!m->dup || m->qos == 0)
		return false;
	if (!d->read)
		read_before(d, db);
	return (find(&d->now, m->mid, &most, &hash) ||
		   find(&d->before, m->mid, &most, &hash)) &&
	    hash == hash_of_message(m);
}

void
delivered_add(struct delivered *d, const struct msg *m)
{
	uint64_t hash;

	if (m->qos == 0)
		return;
	hash = hash_of_message(m);
	buf_put(&d->now, &m->mid, sizeof(m->mid));
	buf_put(&d->now, &hash, sizeof(hash));
}

int
delivered_store(const struct delivered *d, struct db *db, struct err *err)
{
	int64_t batch;

	if (d->now.n == 0)
		return 0;
	batch = 1 +
	    db_number(db, 0, "SELECT max(batch) FROM delivered WHERE broker = ?1", "i",
		d->broker);
	return db_run(db, err,
		   "INSERT INTO delivered (broker, batch, messages) SELECT id, ?2, ?3 "
		   "FROM broker WHERE id = ?1",
		   "iib", d->broker, batch, buf_as_span(&d->now)) ||
	    db_run(db, err, "DELETE FROM delivered WHERE broker = ?1 AND batch <= ?2",
		"ii", d->broker, batch - DELIVERED_BATCHES);
}

void
delivered_release(struct delivered *d)
{
	buf_release(&d->now);
	buf_release(&d->before);
}

int
delivered_forget(struct db *db, int64_t broker, struct err *err)
{
	return db_run(db, err, "DELETE FROM delivered WHERE broker = ?1", "i", broker);
}
