/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_TOPIC_H
#define MODEL_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Topic templates of the platform's guide, such as iot/sensors/{device_id}/data. Variables:
 * {device_id}, {sensor_type}, {timestamp}; a variable may be part of a level.
 */
enum topic_var { TOPIC_DEVICE_ID, TOPIC_SENSOR_TYPE, TOPIC_TIMESTAMP, TOPIC_VARS };

/* Values of variables; a span with p == NULL is not given, or was not captured. */
struct topic_vars {
	struct span v[TOPIC_VARS];
};

struct topic;

/* Compiles a template. A plain topic or filter (with + and #) is a template without variables.
 * Errors (ERR_USAGE) name what is wrong and, for an unknown variable, the known ones. */
int topic_compile(struct topic **out, const char *text, struct err *err);
void topic_free(struct topic *t);
const char *topic_text(const struct topic *t);
/* Whether the template has this variable. */
bool topic_has(const struct topic *t, enum topic_var var);

/* The topic for these values (free). A value can never add or remove a level: one that is
 * missing, empty, or contains + # / NUL or control characters, is refused (ERR_USAGE), and so
 * are a leading $ and more than 65,535 bytes. */
int topic_expand(const struct topic *t, const struct topic_vars *vars, char **out,
    struct err *err);

/* The subscription filter that matches all its expansions (free): each level with a variable
 * becomes +. */
char *topic_filter(const struct topic *t);

/* Whether `name` is an expansion of the template; captures the variables (spans into `name`).
 * An empty capture does not match; a captured device_id need not be a valid id. */
bool topic_match(const struct topic *t, struct span name, struct topic_vars *vars);

/* Whether an MQTT filter (4.7 of the specification) matches a topic name. */
bool topic_filter_matches(const char *filter, struct span name);

/* A device or client id: [A-Za-z0-9][A-Za-z0-9._-]{0,63}. `what` is the subject of the message. */
int topic_check_id(struct span id, const char *what, struct err *err);
/* A topic name to publish to: not empty, valid UTF-8, no + # NUL or control characters. */
int topic_check_name(struct span name, struct err *err);
/* A filter to subscribe to, $share/GROUP/ included. */
int topic_check_filter(const char *filter, struct err *err);

/* The platform's templates, each a configuration key; the guide's are the built-in values. */
struct topicopts {
	char *data;
	char *status;
	char *commands;
	char *responses;
	char *alerts;
};

/* Compiled; the zero value is released safely. */
struct topic_set {
	struct topic *data;
	struct topic *status;
	struct topic *commands;
	struct topic *responses;
	struct topic *alerts;
	struct topic *const *more; /* borrowed; tried before the others when a topic is captured */
	size_t mores;
	bool strict; /* a payload that claims another device than its topic is a reject: "id" */
};

/* Rows without a letter or long option: keys only. Needs "cli/opt.h". */
#define OPT_TOPICS(T, m)                                                                 \
	OPT_STR(T, m.data, 0, NULL, "TEMPLATE", N_("where devices publish readings"),        \
	    .key = "topic_data", .value = "iot/sensors/{device_id}/data"),               \
	    OPT_STR(T, m.status, 0, NULL, "TEMPLATE", N_("where devices keep their status"), \
		.key = "topic_status", .value = "iot/devices/{device_id}/status"),       \
	    OPT_STR(T, m.commands, 0, NULL, "TEMPLATE",                                  \
		N_("where devices receive commands"), .key = "topic_commands",           \
		.value = "iot/devices/{device_id}/commands"),                            \
	    OPT_STR(T, m.responses, 0, NULL, "TEMPLATE",                                 \
		N_("where devices answer commands"), .key = "topic_responses",           \
		.value = "iot/devices/{device_id}/responses"),                           \
	    OPT_STR(T, m.alerts, 0, NULL, "TEMPLATE", N_("where devices raise alerts"),  \
		.key = "topic_alerts", .value = "iot/alerts/{device_id}")

/* Compiles them; a NULL text is the built-in one. */
int topic_set_compile(struct topic_set *t, const struct topicopts *o, struct err *err);
void topic_set_release(struct topic_set *t);

#endif
