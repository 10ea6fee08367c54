/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_OPTIONS_H
#define IOTSTATUS_OPTIONS_H

#include "base/strv.h"
#include "cli/opt.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/mqtt_options.h"
#include "rest/rest_options.h"
#include "iotstatus/device_table.h"
#include "iotstatus/threshold.h"

enum format {
	FORMAT_AUTO, /* text; with thresholds, nagios */
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_NAGIOS,
	FORMAT_PROMETHEUS,
	FORMAT_TSV,
};
#define FORMAT_CHOICES "auto|text|json|nagios|prometheus|tsv"

enum source { SOURCE_NONE, SOURCE_API, SOURCE_MQTT, SOURCE_EMQX };
#define SOURCE_CHOICES "api|mqtt|emqx"
#define VERIFY_CHOICES "none|mqtt|emqx"

enum by { BY_NOTHING, BY_TIPO, BY_ESTADO, BY_OPERADOR, BY_BROKER };
#define BY_CHOICES "none|tipo|estado|operador|broker"

/* An index into it: 0, else 1 + enum presence. */
#define LIST_CHOICES "none|online|offline|error|never|stale"
/* An index into the first is an enum state, into the second 1 + enum state; 0: by the kind of error. */
#define STATE_CHOICES "ok|warning|critical|unknown"
#define ERROR_CHOICES "auto|ok|warning|critical|unknown"

/* What the command line, the environment and the configuration say; the option table of main.c fills it, and
 * program_end releases it but for emqx_key and mqtt. Times in milliseconds, 0: not given. */
struct options {
	struct common common;
	struct rest_options api;
	struct mqtt_options mqtt;
	struct topicopts topics;
	char *emqx_url, *emqx_key_file;
	char *emqx_key; /* what the file held, a secret; check_release frees it */
	int source;     /* index into SOURCE_CHOICES; 1 + it is enum source */
	int verify;     /* 0, 1 mqtt, 2 emqx */
	int64_t max_age, wait;
	struct strv warning, critical;
	int on_empty, on_error;
	int by, list;
	int format;
	bool json, per_device;
	char *write;
	char *state;
	bool watch;
	int64_t every; /* --watch's operand */
};

/* --source, and --verify or SOURCE_NONE. */
enum source options_source(const struct options *a);
enum source options_verify(const struct options *a);
/* Whether this source must be asked, for one or the other. */
bool options_want(const struct options *a, enum source source);
/* What cannot go together (ERR_USAGE). */
int options_check(const struct options *a, struct err *err);

#endif
