/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_RUN_H
#define IOTINGEST_RUN_H

#include "base/strv.h"
#include "cli/opt.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/device_reading.h"
#include "mqtt/mqtt_options.h"

#define RETAINED_CHOICES "keep|skip|only"
enum retained { RETAINED_KEEP, RETAINED_SKIP, RETAINED_ONLY };
#define FORMAT_CHOICES "ndjson|csv|tsv"
enum format { FORMAT_NDJSON, FORMAT_CSV, FORMAT_TSV };

/* The targets of the option table. */
struct args {
	struct common common;
	struct mqtt_options mqtt;
	struct topicopts topics;
	struct strv templates;
	bool from_platform;
	int qos;
	int retained;
	bool strict;
	int count;
	int64_t wait; /* ms; -1: not given */

	bool readings;
	struct reading_keys keys; /* with readings */
	int form; /* enum format */
	char *columns;
	bool header;
	char *format; /* -F */
	char *append;
	char *rejects;
	bool no_sync;

	char *sink;
	int sink_retries;
	int batch;
	int linger;

	char *durable;
	char *group;
	int64_t session_expiry; /* ms; -1: not given */
	int receive_maximum;
	int64_t max_packet;
	bool announce_max_packet;

	int64_t stats;
	char *metrics;
};

/* Runs until it is told to end: -C, -W, a signal, its reader gone, or an error. An end as asked for
 * leaves `err` empty, SIGINT leaves ERR_SIGNAL + SIGINT. Runs the loop, on this thread. `platform` are the
 * topics of --from-platform, empty without. */
int run_ingest(const struct args *a, const struct session_opts *session,
    const struct strv *platform, struct err *err);

#endif
