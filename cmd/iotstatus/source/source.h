/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SOURCE_H
#define SOURCE_H

#include "model/topic.h"
#include "iotstatus/device_table.h"
#include "rest/rest.h"
#include "mqtt/session.h"

/* Where the fleet's states come from. Each fills one view of a fleet. */

/* source_api.c: /api/mqtt/device-status/, counts only. */
int api_counts(struct api *api, struct counts *c, struct err *err);
/* The devices that speak MQTT. `by` is the field that makes their groups (NULL: none); `state` asks
 * the server for those in this state only (NULL: all). */
int api_devices(
    struct api *api, struct fleet *f, const char *by, const char *state, struct err *err);
/* /api/mqtt/device-config/: since when devices are connected and, with `groups`, their brokers as the
 * groups. After api_devices. */
int api_configs(struct api *api, struct fleet *f, bool groups, struct err *err);
/* Whose eyes these are: "seen by 'ana' (operador: own devices only)" (free). */
int api_view(struct api *api, char **out, struct err *err);

/* source_emqx.c: the clients that EMQX knows. `api` speaks HTTP Basic to EMQX. After api_devices. */
int emqx_clients(struct api *api, struct fleet *f, enum view view, struct err *err);

/* source_mqtt.c: retained status messages, wills, and signs of life. */
struct listener_opts {
	struct session_opts session;
	const struct topics *topics;
	enum view view;
	bool data;     /* readings are signs of life, too */
	int64_t wait;  /* ms to collect; 0: until it is quiet */
	int64_t until; /* loop_now() when it must be over */
};
struct listener;
struct listener *listener_new(struct loop *loop, const struct listener_opts *opts,
    struct fleet *f, struct err *err);
/* Collects; the loop runs. Messages that came since listener_new are in the fleet, too. A broker drops
 * retained messages of a broad filter when its queue is full (mosquitto 2.0.11: measured), so that a
 * large fleet is asked for again until that brings no news. */
int listener_wait(struct listener *l, struct err *err);
void listener_free(struct listener *l);

/* A status message, as a sight; false if it cannot be read. `live`: it came just now, at `now`. */
bool status_message_read(struct span payload, bool live, int64_t now, struct sight *out);

/* Times without a zone are of this one, which is kept; NULL: UTC, with one warning if they `matter`. */
void when_zone(const char *zone, bool matter);
/* Microseconds since 1970; 0 when it is none. */
int64_t when_read(const char *text);

#endif
