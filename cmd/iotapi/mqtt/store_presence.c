/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/store_presence.h"

#include "iotapi/db/rows.h"

/* last_connection is when the link came up, and a link that stays up is not written again. */
static int
store_config(
    struct db *db, int64_t device, enum presence to, const char *seen, struct err *err)
{
	char now[32];

	return db_run(db, err,
	    "UPDATE \"device-config\" SET connection_status = ?2, last_connection = "
	    "CASE ?2 WHEN 'connected' THEN ?3 ELSE last_connection END WHERE "
	    "dispositivo = ?1 AND connection_status <> ?2",
	    "iss", device, presence_status_words[to],
	    seen != NULL ? seen : rows_now(now));
}

/* `seen` counts even where it is before last_seen: then the clock was set back. */
int
store_presence(
    struct db *db, int64_t device, enum presence to, const char *seen, struct err *err)
{
	return db_run(db, err,
		   "UPDATE device SET connection_status = ?2, last_seen = coalesce(?3, "
		   "last_seen) WHERE id = ?1",
		   "iss", device, presence_names[to], seen) ||
	    store_config(db, device, to, seen, err);
}

int
store_presence_retained(
    struct db *db, int64_t device, enum presence to, const char *since, struct err *err)
{
	if (db_run(db, err,
		"UPDATE device SET connection_status = ?2, last_seen = CASE WHEN ?3 > "
		"coalesce(last_seen, '') THEN ?3 ELSE last_seen END WHERE id = ?1 AND "
		"NOT "
		"(?2 = 'online' AND connection_status <> 'online' AND coalesce(?3 <= "
		"last_seen, 0))",
		"iss", device, presence_names[to], since))
		return -1;
	return db_changes(db) != 0 ? store_config(db, device, to, since, err) : 0;
}
