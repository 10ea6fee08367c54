/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_IOTPUB_H
#define IOTPUB_IOTPUB_H

#include "base/strv.h"
#include "cli/opt.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/mqtt_options.h"

/* The targets of the option table. */
struct args {
	struct mqtt_options mqtt;
	struct topicopts topics;
	struct common common;
	int qos;
	bool retain;
	int64_t drain;
	bool keep_session;

	/* As devices. */
	int64_t interval;
	int count; /* 0: without end */
	int64_t duration;
	int64_t jitter;
	int ramp;      /* connects/s; 0: as fast as they come */
	char *payload; /* nested, flat, or a file */
	int seed;      /* 0: none */
	int devices;
	char *id_format;
	bool yes;
	bool from_platform;
	int64_t refresh;
	bool no_status;
	bool keep_status; /* of --devices */
	bool takeover;
	char *credentials;
	struct strv faults;
	bool verify;
	bool histogram;
	int64_t max_p99;
	int max_lost; /* -1: any number */
	int64_t stats;
	bool listen;
	struct strv exec; /* a program and its arguments */
	char *reply;
	int64_t exec_timeout;
	int jobs;
	int max_queued; /* 0: MAX_QUEUED */

	/* Raw. */
	char *topic;
	char *message;
	char *file;
	bool lines;
	bool json; /* each line an object with its topic */
	char *replay;
	char *speed;
	int64_t max_gap; /* ms of the lines' time; -1: not given */
	struct strv map;
	bool whole_stdin;
	bool null;
	int repeat;
	int64_t repeat_delay;
	struct strv properties; /* raw/property.h */
	char *will_topic;
	char *will_payload;
	int will_qos;
	bool will_retain;
};

enum {
	EXPIRY =
	    86400, /* s: how long a broker keeps the session of -c while we are away */
	MAX_QUEUED = 100000, /* messages; some 50 MB */
	LARGE_PAYLOAD = 1024, /* the guide: keep messages small */
	SHORT_INTERVAL = 1000 /* the guide: a second at least between messages */
};

#endif
