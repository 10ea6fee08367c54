/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/retention.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotapi/db/purge.h"

enum { PAUSE_MS = 10, LOOK_MS = 60000 };

struct retention {
	struct loop *loop;
	struct store *store;
	int64_t keep_ms;
	struct loop_timer timer;
	bool more;
	int64_t deleted, told; /* since the start; those that were told */
};

int
retention_step(struct db *db, int64_t keep_ms, int64_t now_us, int64_t *deleted,
    bool *more, struct err *err)
{
	/* Both by the index of times: neither depends on how many readings or devices there are. */
	sqlite3_stmt *stmt = db_query(db, err, "SELECT max(timestamp) FROM reading", "");
	struct purge p = {.where = " WHERE t.timestamp < ?1"};
	json_t *binds;
	int64_t newest = 0;
	int step = stmt != NULL ? db_step(db, stmt, err) : -1;

	*more = false;
	if (step == 1)
		newest = sqlite3_column_int64(stmt, 0); /* of no readings 0 */
	if (stmt != NULL)
		sqlite3_reset(stmt);
	if (step < 0)
		return -1;
	binds = json_pack(
	    "[I]", (json_int_t)((newest < now_us ? newest : now_us) - keep_ms * 1000));
	p.binds = binds;
	step = newest > keep_ms * 1000 ? purge_step(db, &p, more, err) : 0;
	*deleted += p.deleted;
	json_decref(binds);
	return step;
}

static void look(void *arg);

static int
run_step(struct db *db, void *arg, struct err *err)
{
	struct retention *r = arg;

	return retention_step(
	    db, r->keep_ms, clock_wall_us(), &r->deleted, &r->more, err);
}

/* On the loop. Told once for all that went together. */
static void
go_on(void *arg)
{
	struct retention *r = arg;

	if (!r->more && r->deleted != r->told) {
		log_info("%lld old readings deleted", (long long)(r->deleted - r->told));
		r->told = r->deleted;
	}
	loop_timer_set(r->loop, &r->timer, r->more ? PAUSE_MS : LOOK_MS, look, r);
}

static void
step_done(void *arg, const struct err *why)
{
	struct retention *r = arg;

	if (why->code != ERR_OK) {
		r->more = false;
		log_err(why);
	}
	loop_post(r->loop, go_on, r);
}

static void
look(void *arg)
{
	struct retention *r = arg;

	store_submit(r->store, run_step, step_done, r);
}

struct retention *
retention_new(struct loop *loop, struct store *store, int64_t keep_ms)
{
	struct retention *r;

	if (keep_ms == 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	*r = (struct retention){.loop = loop, .store = store, .keep_ms = keep_ms};
	loop_timer_set(loop, &r->timer, 0, look, r);
	return r;
}

void
retention_free(struct retention *r)
{
	struct err err = {0};

	if (r == NULL)
		return;
	loop_timer_stop(&r->timer);
	store_run(r->store, store_nothing, NULL, &err);
	free(r);
}
