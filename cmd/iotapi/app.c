/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/app.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotapi/api/guesses.h"
#include "iotapi/api/secrets.h"
#include "iotapi/mqtt/device_cache.h"

/* Sealed secrets are counted before the key is opened: where there are any, a key that is missing is an error,
 * and none is made. */
static int
open_secretbox(struct app *app, struct db *db, const char *path, struct err *err)
{
	struct secrets_sealed s;

	if (secrets_count_sealed(db, NULL, &s, err) ||
	    secretbox_open(&app->secretbox, path, s.n == 0, err) ||
	    secrets_count_sealed(db, app->secretbox, &s, err))
		return -1;
	if (s.n > 0 && s.shut == s.n)
		return err_set(err, ERR_USAGE,
		    _("the key in '%s' opens none of the database's sealed secrets: put "
		      "back the one they were sealed with"),
		    path);
	if (s.shut > 0)
		log_warn(_("the key in '%s' does not open %lld of %lld sealed secrets: "
			   "set them again, %s first"),
		    path, (long long)s.shut, (long long)s.n, s.first);
	return 0;
}

int
app_open(struct app *app, const char *path, const char *key,
    const struct topicopts *topics, struct err *err)
{
	struct db *db = NULL;
	int failed = topic_set_compile(&app->topics, topics, err) ||
	    store_open(&app->store, path, err) ||
	    (db = store_reader(app->store, err)) == NULL ||
	    open_secretbox(app, db, key, err);

	app->guesses = guesses_new();
	app->devices = device_cache_new();
	app->started_s = clock_wall_us() / 1000000;
	if (db != NULL)
		store_reader_done(app->store, db);
	return failed ? -1 : 0;
}

void
app_close(struct app *app)
{
	store_close(app->store);
	device_cache_free(app->devices);
	secretbox_close(app->secretbox);
	guesses_free(app->guesses);
	topic_set_release(&app->topics);
}
