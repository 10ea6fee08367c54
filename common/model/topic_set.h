/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_TOPIC_SET_H
#define MODEL_TOPIC_SET_H

#include "model/topic.h"

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
