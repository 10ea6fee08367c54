/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_READING_H
#define IOTPUB_SIM_READING_H

#include "loop/loop.h"
#include "mqtt/session.h"
#include "iotpub/iotpub.h"
#include "iotpub/sim/fault.h"
#include "iotpub/values/payload.h"
#include "iotpub/values/profile.h"

/*
 * The readings of a device: made each at its time, with the faults of --fault, and handed to `publish`.
 * Of the connection it knows what its events answer. All on the loop's thread; nothing blocks.
 */

struct readings;

/* What they ask and tell their owner, which they are embedded in. */
struct reading_events {
	/* A new one can be published now; one that cannot is left out, and not made up for. */
	bool (*can_publish)(struct readings *r);
	/* A message that was made already can be handed over: QoS 0 needs a connection. */
	bool (*can_send)(struct readings *r);
	/* Messages have user properties (MQTT 5). */
	bool (*has_properties)(struct readings *r);
	void (*publish)(struct readings *r, const struct session_pub *p);
	/* The fault `flap`: the connection is to break off. */
	void (*flap)(struct readings *r);
	/* --count is reached: there will be no other. */
	void (*complete)(struct readings *r);
	/* The id of another device, for the fault `wrong-id`. */
	const char *(*other_id)(struct readings *r);
};

/* What the readings of all devices share and write. */
struct reading_shared {
	struct faults faults;
	uint64_t stamped; /* messages with a number, that --verify waits for */
	struct buf payload; /* of the reading that is being made: its memory is used again */
	bool warned;        /* of a large one */
};

/* What the readings of all devices obey: set before the first begins. */
struct reading_config {
	struct loop *loop;
	const struct args *args; /* count, jitter, seed */
	const struct payload *payload;
	uint64_t seed;    /* --seed, or one that differs each time */
	int64_t began;    /* the loop's time at which the flat shape's timestamps are 0 */
	bool stamps;      /* each message carries its number and time: --verify */
	const struct reading_events *events;
	struct reading_shared *shared;
};

struct readings {
	const struct reading_config *config;
	const char *id; /* of the device */
	const struct profile *profile;
	char *topic; /* of the last one, and of the next if no time is in it */
	struct loop_timer timer;
	int64_t due; /* of the next one, on the loop's clock, but for its jitter */
	int sent;    /* how many were due and could be published */
	/* One sequence each: a fault moves no value, and no jitter does. */
	uint64_t value_random, jitter_random, fault_random;
	double *walks;     /* where the walk of each sensor has got to */
	uint64_t numbered; /* with config->stamps: the number of the last message */
	struct buf late;   /* the payload that is held back by the fault `late`, */
	uint64_t late_seq; /* and its number */
};

/* Device `number` of the run. Keeps `config`, `id` and `profile`. Release them also after an error. */
int reading_init(struct readings *r, const struct reading_config *config, size_t number,
    const char *id, const struct profile *profile, struct err *err);
void reading_release(struct readings *r);
/* Readings from now on. Those of a fleet are spread over an interval: this is device `number` of `fleet`. */
void reading_begin(struct readings *r, size_t number, size_t fleet);
/* The profile has changed what it says. `running`: begun, and not stopped. */
void reading_change(struct readings *r, bool running);
void reading_stop(struct readings *r);
/* Publishes what is held back, if it can be sent now; else it is lost. */
void reading_flush(struct readings *r);
/* Unix time in seconds of the next reading: now, or with --seed that of the plan. */
int64_t reading_time(const struct readings *r);

#endif
