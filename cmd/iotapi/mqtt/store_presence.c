/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/store_presence.h"

#include "iotapi/db/rows.h"

/* last_connection is when the link came up, and a link that stays up is not written again. */
int
store_presence(
    struct db *db, int64_t device, enum presence to, const char *seen, struct err *err)
{
	char now[32];

	return db_run(db, err,
		   "UPDATE device SET connection_status = ?2, last_seen = CASE WHEN ?3 > "
		   "coalesce(last_seen, '') THEN ?3 ELSE last_seen END WHERE id = ?1",
		   "iss", device, presence_names[to], seen) ||
	    db_run(db, err,
		"UPDATE \"device-config\" SET connection_status = ?2, last_connection = "
		"CASE ?2 WHEN 'connected' THEN ?3 ELSE last_connection END WHERE "
		"dispositivo = ?1 AND connection_status <> ?2",
		"iss", device, presence_status_words[to],
		seen != NULL ? seen : rows_now(now));
}
