/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_MQTT_ONE_SHOT_H
#define IOTCTL_MQTT_ONE_SHOT_H

#include "mqtt/session.h"
#include "iotctl/ctl.h"

/*
 * One MQTT errand: connect, do one thing, disconnect. one_shot_run runs the loop until it is over; the errand
 * hears of it through its events, acts with one_shot_publish and session_subscribe, and ends with one_shot_done
 * or one_shot_fail. After that it hears nothing more: DISCONNECT is sent, and one_shot_run returns.
 */

/* All on the loop's thread, any may be NULL but `up`. */
struct one_shot_events {
	/* The broker has accepted the connection. Once: a lost one is made again by the session. */
	void (*up)(void *arg);
	/* The subscription is granted at this QoS; one that is refused is the errand's failure. */
	void (*subscribed)(void *arg, int qos);
	/* The last one_shot_publish is acknowledged, at QoS 0 written; a refusal is the errand's failure. `reason`
	 * may be REASON_NO_MATCHING_SUBSCRIBERS. */
	void (*published)(void *arg, int reason);
	void (*message)(void *arg, const struct msg *m);
	/* The connection is lost; NULL: it waits for the session to come back. */
	void (*down)(void *arg, const struct err *why);
	/* The time of one_shot_run or one_shot_wait is over. */
	void (*late)(void *arg);
	/* The errand has failed, by one_shot_fail or without a connection; NULL: one_shot_run returns the error. */
	void (*failed)(void *arg, const struct err *why);
};

struct one_shot {
	/* Set before one_shot_run: requests are under way on the same loop, whose answers stop it; else whoever
	 * stops it, as a signal in the shell does, ends the errand. */
	bool nested;
	struct session *session; /* during one_shot_run */
	/* From here on one_shot.c's. */
	struct loop *loop;
	const struct one_shot_events *events;
	void *arg;
	struct loop_timer timer;
	const char *topic; /* of the publication */
	int id;            /* its id; 0: none yet */
	bool was_up, over, ended;
	struct err err;
};

/* Blocks. `time` ms from the start to `late`, 0: the session's own limits. -1 with the reason when the errand
 * failed, or could not begin. */
int one_shot_run(struct one_shot *shot, struct loop *loop, const struct session_opts *opts,
    const struct one_shot_events *events, void *arg, int64_t time, struct err *err);
/* `late` comes in `time` ms from now. */
void one_shot_wait(struct one_shot *shot, int64_t time);
/* The errand fails when it cannot be published. p->topic must stay. */
void one_shot_publish(struct one_shot *shot, const struct session_pub *p);
void one_shot_done(struct one_shot *shot);
void one_shot_fail(struct one_shot *shot, const struct err *why);

#endif
