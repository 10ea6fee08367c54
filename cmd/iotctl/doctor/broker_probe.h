/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROBE_H
#define PROBE_H

#include "iotctl/ctl.h"
#include "mqtt/session.h"

/* The way to a broker, stage by stage, under a client id that no device has. */
enum probe_stage {
	PROBE_DNS,
	PROBE_TCP,
	PROBE_TLS,
	PROBE_CONNACK,
	PROBE_SUBACK,
	PROBE_QOS_0, /* a message there and back; the next two as well */
	PROBE_QOS_1,
	PROBE_QOS_2,
	PROBE_STAGES
};

extern const char *const probe_names[PROBE_STAGES];

struct probe_result {
	enum { PROBE_NOT_TRIED, PROBE_OK, PROBE_FAILED, PROBE_NOT_THERE } state;
	double ms;
	char *detail; /* NULL: nothing to say */
	struct err err;
};

struct probe {
	struct probe_result v[PROBE_STAGES];
};

/* Goes as far as `last`, and no further than the first stage that fails; o->client_id is not used.
 * Returns -1 only when the probe itself could not be made. Release it in every case. Blocks. */
int probe_run(struct ctl *c, const struct session_opts *o, enum probe_stage last,
    struct probe *out, struct err *err);
/* The stage that failed, or PROBE_STAGES. */
enum probe_stage probe_failed(const struct probe *p);
/* Which stage that is and why, in one line (free). */
char *probe_why(const struct probe *p);
void probe_release(struct probe *p);

/* From here on: between broker_probe.c and broker_probe_mqtt.c. */

/* A client id of a probe; `id` holds PROBE_ID bytes. */
enum { PROBE_ID = 24 };
int probe_id(char *id, struct err *err);
void probe_ok(struct probe *p, enum probe_stage s, int64_t since, char *detail);
void probe_fail(struct probe *p, enum probe_stage s, int64_t since, const struct err *why);
/* CONNACK and what follows, over one session. */
int probe_mqtt(struct ctl *c, const struct session_opts *o, enum probe_stage last,
    struct probe *p, struct err *err);

#endif
