/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_BROKER_PROBE_H
#define IOTCTL_DOCTOR_BROKER_PROBE_H

#include "mqtt/session.h"
#include "iotctl/ctl.h"

/* The way to a broker, stage by stage, under a client id that no device has. */
enum broker_probe_stage {
	BROKER_PROBE_DNS,
	BROKER_PROBE_TCP,
	BROKER_PROBE_TLS,
	BROKER_PROBE_CONNACK,
	BROKER_PROBE_SUBACK,
	BROKER_PROBE_QOS_0, /* a message there and back; the next two as well */
	BROKER_PROBE_QOS_1,
	BROKER_PROBE_QOS_2,
	BROKER_PROBE_STAGES
};

extern const char *const broker_probe_names[BROKER_PROBE_STAGES];

struct broker_probe_result {
	enum { BROKER_PROBE_NOT_TRIED, BROKER_PROBE_OK, BROKER_PROBE_FAILED, BROKER_PROBE_NOT_THERE } state;
	double ms;
	char *detail; /* NULL: nothing to say */
	struct err err;
};

struct broker_probe {
	struct broker_probe_result v[BROKER_PROBE_STAGES];
};

/* Goes as far as `last`, and no further than the first stage that fails; o->client_id is not used.
 * Returns -1 only when the probe itself could not be made. Release it in every case. Blocks. */
int broker_probe_run(struct ctl *c, const struct session_opts *o, enum broker_probe_stage last,
    struct broker_probe *out, struct err *err);
/* The stage that failed, or BROKER_PROBE_STAGES. */
enum broker_probe_stage broker_probe_failed(const struct broker_probe *p);
/* Which stage that is and why, in one line (free). */
char *broker_probe_why(const struct broker_probe *p);
void broker_probe_release(struct broker_probe *p);

/* From here on: between broker_probe.c and broker_probe_mqtt.c. */

/* A client id of a probe; `id` holds BROKER_PROBE_ID bytes. */
enum { BROKER_PROBE_ID = 24 };
int broker_probe_id(char *id, struct err *err);
void broker_probe_ok(struct broker_probe *p, enum broker_probe_stage s, int64_t since, char *detail);
void broker_probe_fail(struct broker_probe *p, enum broker_probe_stage s, int64_t since, const struct err *why);
/* CONNACK and what follows, over one session. */
int broker_probe_mqtt(struct ctl *c, const struct session_opts *o, enum broker_probe_stage last,
    struct broker_probe *p, struct err *err);

#endif
