/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_SOURCE_SOURCE_H
#define IOTSTATUS_SOURCE_SOURCE_H

#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/session_opts.h"
#include "rest/rest.h"
#include "iotstatus/device_table.h"

/*
 * Where the fleet's states come from: the REST API, EMQX's management API, the broker itself. Each fills one view of
 * a device table. What takes a `rest` blocks until the answer is here or its time-out is over, while the loop that
 * it was made with goes on; its errors are rest_call's, and ERR_PROTOCOL for an answer that makes no sense.
 * One thread, which is the loop's.
 */

/* /api/mqtt/device-status/, counts only. */
int source_api_counts(struct rest *api, struct counts *c, struct err *err);
/* The devices that speak MQTT. `by` is the field that makes their groups (NULL: none); `state` asks
 * the server for those in this state only (NULL: all). */
int source_api_devices(
    struct rest *api, struct device_table *f, const char *by, const char *state, struct err *err);
/* /api/mqtt/device-config/: since when devices are connected and, with `groups`, their brokers as the
 * groups. After source_api_devices. */
int source_api_configs(struct rest *api, struct device_table *f, bool groups, struct err *err);
/* Who asks, and so sees what: "seen by 'ana' (operador: own devices only)" (free). Left
 * alone where the API has no /api/users/me/. */
int source_api_view(struct rest *api, char **out, struct err *err);

/* The clients that EMQX knows, without those that are known to be no devices: the toolkit's, and who reads the topics
 * of all devices. `api` speaks HTTP Basic to EMQX. After source_api_devices, if that is asked. */
int source_emqx_clients(struct rest *api, const struct topic_set *topics,
    struct device_table *f, enum view view, struct err *err);

/* Retained status messages, wills, and signs of life. */
struct source_mqtt_opts {
	struct session_opts session;
	const struct topic_set *topics;
	enum view view;
	bool data;     /* readings are signs of life, too */
	int64_t wait;  /* ms to collect; 0: until it is quiet */
	int64_t until; /* loop_now() when it must be over */
};
struct source_mqtt;
/* Connects, and collects from now on while the loop runs. `opts` is copied; what it points to, and the table, must
 * live longer. NULL on error. */
struct source_mqtt *source_mqtt_new(struct loop *loop, const struct source_mqtt_opts *opts,
    struct device_table *f, struct err *err);
/* Runs the loop until all is collected. A broker drops retained messages of a broad filter when its queue is full
 * (mosquitto 2.0.11: measured), so that a large fleet is asked for again until that brings no news. ERR_UNREACHABLE:
 * no answer in time; ERR_TIMEOUT: it was never quiet; ERR_PROTOCOL: the broker sends parts only. */
int source_mqtt_wait(struct source_mqtt *l, struct err *err);
/* Accepts NULL. */
void source_mqtt_free(struct source_mqtt *l);

/* A status message that came at `now`, microseconds since 1970; false if it cannot be read. `live`: it was not
 * retained. */
bool source_message_read(struct span payload, bool live, int64_t now, struct device_seen *out);

/* The zone of the times that the API writes without one, as some backends do; `zone` is kept, not copied, for the
 * whole program. NULL: UTC, and `warn` once if such a time comes. */
void source_set_zone(const char *zone, bool warn);
/* A time of the API or EMQX in microseconds since 1970; 0 when it is none. */
int64_t source_time(const char *text);

#endif
