/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/presence.h"

#include <string.h>

#include "iotapi/db/rows.h"

const char *const presence_words[PRESENCES] = {
    [PRESENCE_CONNECTED] = "connected",
    [PRESENCE_DISCONNECTED] = "disconnected",
    [PRESENCE_ERROR] = "error",
};

static const char *const device_words[PRESENCES] = {
    [PRESENCE_CONNECTED] = "online",
    [PRESENCE_DISCONNECTED] = "offline",
    [PRESENCE_ERROR] = "error",
};

int
presence_by_word(const char *word)
{
	int i;

	for (i = 0; i < PRESENCES; i++) {
		if (strcmp(presence_words[i], word) == 0)
			return i;
	}
	return -1;
}

/* last_connection is when the link came up, and a link that stays up is not written again. */
int
presence_set(
    struct db *db, int64_t device, enum presence to, const char *seen, struct err *err)
{
	char now[32];

	return db_run(db, err,
		   "UPDATE device SET connection_status = ?2, last_seen = CASE WHEN ?3 > "
		   "coalesce(last_seen, '') THEN ?3 ELSE last_seen END WHERE id = ?1",
		   "iss", device, device_words[to], seen) ||
	    db_run(db, err,
		"UPDATE \"device-config\" SET connection_status = ?2, last_connection = "
		"CASE ?2 WHEN 'connected' THEN ?3 ELSE last_connection END WHERE "
		"dispositivo = ?1 AND connection_status <> ?2",
		"iss", device, presence_words[to], seen != NULL ? seen : rows_now(now));
}
