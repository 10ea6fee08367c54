/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/silence.h"

#include "base/buf.h"
#include "iotapi/mqtt/store_presence.h"

/* More than a clock that is kept right is moved between two looks; and what is stored may be ahead for that. */
enum { SET_US = 2000000, AHEAD_US = 5 * SET_US };

bool
silence_was_set(struct silence_clock *last, const struct silence_clock *now)
{
	const int64_t drift =
	    (now->wall_us - last->wall_us) - (now->steady_us - last->steady_us);
	const bool known = last->wall_us != 0;

	*last = *now;
	return known && (drift > SET_US || drift < -SET_US);
}

/* ?1 the broker, ?2 since when silence counts, ?3 a little later than now, both as they are stored, ?4 now in seconds. A
 * time that is yet to come was stored before the clock was set. */
#define HEARD                                                                            \
	"CASE WHEN d.last_seen > ?3 OR coalesce(d.last_seen, '') < ?2 THEN ?2 ELSE "     \
	"d.last_seen END"
#define IS_ONLINE                                                                        \
	"d.mqtt_enabled AND d.connection_status = 'online' AND coalesce(d.last_seen, "   \
	"'') "                                                                           \
	"NOT BETWEEN strftime('%Y-%m-%dT%H:%M:%S', ?4 - 90, 'unixepoch') AND ?3"
#define IS_SILENT(interval)                                                              \
	HEARD " < strftime('%Y-%m-%dT%H:%M:%S', ?4 - max(90, 3 * " interval              \
	      "), 'unixepoch')"

static const char configured[] =
    "SELECT d.id FROM device d JOIN \"device-config\" c ON c.dispositivo = d.id WHERE "
    "c.broker = ?1 AND " IS_ONLINE " AND " IS_SILENT("c.publish_interval") " LIMIT ?5";
static const char others[] =
    "SELECT d.id FROM device d WHERE ?1 = 0 AND NOT EXISTS (SELECT 1 FROM "
    "\"device-config\" c WHERE c.dispositivo = d.id) AND " IS_ONLINE
    " AND " IS_SILENT("60") " LIMIT ?5";

struct ids {
	int64_t v[SILENCE_STEP];
	size_t n;
};

static int
collect(struct db *db, const char *sql, const struct silence_link *link, int64_t now_us,
    struct ids *out, struct err *err)
{
	struct buf since = {0}, now = {0};
	sqlite3_stmt *stmt;
	int step;

	buf_time(&since, link->since_us);
	buf_time(&now, now_us + AHEAD_US);
	stmt = db_query(db, err, sql, "ittii", link->broker, buf_as_span(&since),
	    buf_as_span(&now), now_us / 1000000, (int64_t)(SILENCE_STEP - out->n));
	step = stmt != NULL ? 1 : -1;
	while (step == 1 && (step = db_step(db, stmt, err)) == 1)
		out->v[out->n++] = sqlite3_column_int64(stmt, 0);
	buf_release(&since);
	buf_release(&now);
	return step;
}

int
silence_judge(struct db *db, const struct silence_link *links, size_t n, bool all,
    int64_t now_us, size_t *silent, struct err *err)
{
	/* Without a configuration any of them may be a device's: the one that came up last counts. */
	struct silence_link any = {0};
	struct ids ids = {.n = 0};
	int failed = 0;
	size_t i;

	for (i = 0; i < n && !failed; i++) {
		if (links[i].since_us > any.since_us)
			any.since_us = links[i].since_us;
		failed = collect(db, configured, &links[i], now_us, &ids, err);
	}
	if (n != 0 && all && !failed)
		failed = collect(db, others, &any, now_us, &ids, err);
	for (i = 0; i < ids.n && !failed; i++)
		failed = store_presence(db, ids.v[i], PRESENCE_OFFLINE, NULL, err);
	*silent = ids.n;
	return failed;
}
