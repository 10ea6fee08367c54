/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_APP_H
#define IOTAPI_APP_H

#include <stdatomic.h>
#include <stdint.h>

#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/device_reading.h"
#include "iotapi/db/store.h"

struct guesses;
struct secretbox;
struct broker_pool;
struct device_cache;

/* What a running iotapi has; handed to every handler, in any thread. Not changed while it serves, but for what is
 * atomic. */
struct app {
	struct store *store;
	struct secretbox *secretbox;/* the key for secrets that must be read again */
	struct broker_pool *worker; /* NULL: no MQTT */
	struct device_cache *devices; /* the writer's, for messages */
	struct topic_set topics;
	const struct reading_keys *keys; /* what members of payloads are for; NULL: the guide's */
	struct guesses *guesses;    /* at passwords */
	_Atomic int hash_rounds; /* of devices' passwords */
	atomic_bool stopping;  /* what takes long ends soon */
	atomic_size_t held;    /* bytes of long bodies and answers (http/request.h) */
	int64_t started_s;     /* since 1970 */
	struct app_counts {    /* since the start, for /metrics/ */
		atomic_ullong answers[6]; /* by the class of their status: 2 is 200 to 299 */
		atomic_ullong logins_refused;
		atomic_ullong sessions_lost; /* that the broker had ended while we were away */
	} counts;
};

/* Opens database, key and templates. ERR_USAGE: one of them is no good, or the key opens none of the database's
 * secrets. Blocks. Release with app_close in every case. */
int app_open(struct app *app, const char *path, const char *key, const struct topicopts *topics,
    struct err *err);
void app_close(struct app *app);

#endif
