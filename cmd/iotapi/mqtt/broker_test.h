/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_BROKER_TEST_H
#define IOTAPI_MQTT_BROKER_TEST_H

#include "iotapi/app.h"

/* An attempt to connect to a broker as the worker does, with its login, but another client id. */
struct broker_test {
	int64_t broker;  /* the row's id */
	int64_t timeout; /* ms, from DNS to CONNACK */
	/* What came of it. */
	char *name;
	const char *stage; /* how far it came: consumer_stage */
	char *reason;      /* why no further; NULL: the broker accepts */
	int64_t ms;        /* it took */
};

/* Blocks, but not for long once the app is stopping. `db` is a reader; no statement of it is left busy. 1: done, 0: there
 * is no such broker in use, -1: the database failed, or the machine has no descriptors or random numbers. Release it in
 * every case. */
int broker_test_run(
    const struct app *app, struct db *db, struct broker_test *t, struct err *err);
void broker_test_release(struct broker_test *t);

#endif
