/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_TOPIC_H
#define MODEL_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Topic templates of the platform's guide, such as iot/sensors/{device_id}/data. Variables:
 * {device_id}, {sensor_type}, {timestamp}; a variable may be part of a level. A template to subscribe to may
 * have + and # as levels of their own, and $share/GROUP/ in front, which names do not have.
 */
enum topic_var { TOPIC_DEVICE_ID, TOPIC_SENSOR_TYPE, TOPIC_TIMESTAMP, TOPIC_VARS };

/* Values of variables; a span with p == NULL is not given, or was not captured. */
struct topic_vars {
	struct span v[TOPIC_VARS];
};

struct topic;

/* Compiles a template. A plain topic or filter is a template without variables.
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

/* Whether `name` is an expansion of the template, + and # standing for any levels; captures the variables
 * (spans into `name`).
 * An empty capture does not match; a captured device_id need not be a valid id. */
bool topic_match(const struct topic *t, struct span name, struct topic_vars *vars);

/* Whether an MQTT filter (4.7 of the specification) matches a topic name. */
bool topic_filter_matches(const char *filter, struct span name);

/* Whether a filter matches every name that `wanted` does, a filter too, or a name: then both say the same. */
bool topic_filter_covers(const char *filter, const char *wanted);

/* Whether there may be a topic name that both match; $share/GROUP/ in front does not count. Of filters that
 * topic_check_filter takes. */
bool topic_filters_overlap(const char *a, const char *b);

/* A device or client id: [A-Za-z0-9][A-Za-z0-9._-]{0,63}. `what` is the subject of the message. */
int topic_check_id(struct span id, const char *what, struct err *err);
/* A topic name to publish to: not empty, valid UTF-8, no + # NUL or control characters. */
int topic_check_name(struct span name, struct err *err);
/* A filter to subscribe to, $share/GROUP/ included. */
int topic_check_filter(const char *filter, struct err *err);

#endif
