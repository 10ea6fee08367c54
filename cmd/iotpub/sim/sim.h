/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_SIM_H
#define IOTPUB_SIM_SIM_H

#include "base/strv.h"
#include "model/credentials.h"
#include "model/topic_set.h"
#include "exec/responder.h"
#include "iotpub/iotpub.h"
#include "iotpub/outcome.h"
#include "iotpub/sim/fault.h"
#include "iotpub/values/payload.h"

/*
 * A run as devices, and its parts:
 *
 *	sim.c     all of them: who starts when, when it is over
 *	sim_roster.c   who they are: ids, logins, what each measures
 *	sim_device.c  one of them: its session and status
 *	sim_reconnect.c    its connection, broken off and made again
 *	sim_reading.c its readings, in time
 *	sim_status_check.c   the look at their retained statuses before they connect
 *	sim_commands.c  commands: printed, run, answered
 *	verify.c  a connection that sees what they publish
 *	progress.c  what is told of them meanwhile
 */
struct sim;

/* What a device does. Devices share one, unless the platform says what each does. */
struct profile {
	const struct topic *data;
	const struct sensors *sensors;
	int64_t interval;
	int qos;
	bool retain;
};

struct sim_device {
	struct sim *act;
	const struct profile *profile;
	const char *id;
	const struct credential *login; /* NULL: none of its own */
	const char *client_id;
	char *data_topic; /* of its last reading, and of the next one if no time is in it */
	char *status_topic, *commands_topic, *responses_topic;
	struct session *session;
	struct loop_timer timer, flap;
	uint64_t random;   /* of its values */
	uint64_t timing;   /* of its pace */
	uint64_t mischief; /* of its faults */
	uint64_t stamped;  /* messages that --verify counts */
	struct buf late;   /* a reading that is held back */
	uint64_t late_seq;
	double *walks;
	int64_t due; /* of the next reading, on the loop's clock, but for its jitter */
	int sent;    /* readings */
	struct responder_device commands;
	enum err_code denied; /* its commands may not be subscribed */
	bool started, was_up, over, at_once;
	bool up;       /* connected now */
	bool flapping; /* will break off as soon as nothing of it is unacknowledged */
	bool moving;   /* as flapping, or in time: its broker is another one now */
	bool leaving, finishing, said_goodbye; /* in this order */
	bool dismissed;
};

struct sim {
	const struct args *a;
	struct session_opts opts; /* what the devices share */
	bool login_given;         /* -u on the command line: for all of them */
	struct loop *loop;
	struct topic_set topics;
	struct credentials credentials;
	struct sensors sensors;
	struct payload payload;
	struct buf reading; /* that is being made: its memory is used again */
	struct profile profile;
	uint64_t seed;
	struct strv ids;
	struct strv named; /* with --from-platform: on the command line */
	bool sensors_given, interval_given;
	struct sim_device *v; /* stays where it is: there is room for more */
	size_t n, room;
	struct inventory *platform; /* NULL: not asked */
	struct sim_status_check *probe;
	struct faults faults;
	struct verify *verify;
	struct progress *report;
	struct responder *responder;

	size_t next;      /* the first that is not started */
	size_t in_flight; /* started, not connected yet */
	size_t over;      /* ended, or never to be started */
	size_t dismissed; /* of those: may be wanted again */
	size_t failed;
	size_t connected; /* were, at least once */
	size_t up;        /* are now */
	size_t given;     /* messages, to their sessions */
	size_t dropped; /* of these, that were unacknowledged when their session ended */
	size_t losses;  /* of connections */
	bool same_code; /* all failures so far have the code of `first` */
	struct err first; /* the first failure */
	struct err told;  /* what was printed last */
	struct outcome outcome;
	bool stopping, cut, warned, starting;
	int64_t began;
	struct loop_timer timer; /* --duration, then --drain */
	struct err *err;
};

enum { IN_FLIGHT = 64 };

/* sim.c: what its parts tell it. */

/* The device is over for a reason, told once. */
void sim_failed(struct sim_device *d, const struct err *why);
/* Prints what happened to it. A thousand devices to which the same happens are told of once. */
void sim_tell(const struct sim_device *d, const struct err *why);
/* It is connected for the first time. */
void sim_connected(struct sim_device *d);
/* It is over. */
void sim_over(struct sim_device *d);
/* No more readings: finishes what runs, then every device. */
void sim_stop(struct sim *t);
/* Nobody gets the commands: leaves them unacknowledged and everything as it is. The wills tell. */
void sim_cut(struct sim *t);
/* Starts devices as far as there is room; ends the run when all are over. */
void sim_go_on(struct sim *t);

/* It is not wanted any more: it says goodbye. False: it is over or leaving anyway. */
bool sim_dismiss(struct sim_device *d);
/* One that was dismissed is wanted again: as if it were new; sim_begin starts it. 1: it has not left yet. */
int sim_readmit(struct sim_device *d, struct err *err);
/* Looks who of those that have no session is connected, and starts the others. */
void sim_begin(struct sim *t);

/* sim_roster.c */

/* Everything that can be said of the devices before anything is connected. */
int sim_roster_init(struct sim *t, char **operands, struct err *err);
/* One more, while they run; sim_begin starts it. */
int sim_roster_add(struct sim *t, const char *id, struct err *err);
void sim_roster_release(struct sim *t);

/* sim_device.c */

/* Fills what is known before it connects: topics, login, checked. */
int sim_device_init(
    struct sim_device *d, struct sim *t, size_t number, const char *id, struct err *err);
void sim_device_release(struct sim_device *d);
/* The connection options of its own; `out` points into it. */
void sim_device_login(const struct sim_device *d, struct session_opts *out);
/* Makes its session; sim_device_start then connects. */
void sim_device_make(struct sim_device *d);
void sim_device_start(struct sim_device *d);
/* Says goodbye once everything is acknowledged, and commands that are being run are answered, unless
 * `at_once`. */
void sim_device_finish(struct sim_device *d, bool at_once);
/* A command was run. */
void sim_device_handled(struct sim_device *d);
/* The topic of a template at this Unix time (free). */
int sim_device_expand(
    const struct topic *t, const char *id, int64_t now, char **out, struct err *err);
void sim_device_publish(struct sim_device *d, const struct session_pub *p);
/* Its session is over; counts what it leaves unacknowledged. */
void sim_device_drop(struct sim_device *d);
/* The Unix time in seconds that its messages carry: with --seed the plan's. */
int64_t sim_device_time(const struct sim_device *d);

/* sim_reconnect.c */

/* Breaks its connection off as soon as nothing is unacknowledged, and makes it again. */
void sim_device_flap(struct sim_device *d);
/* Its broker is another one now: as sim_device_flap, also when it is not connected, and at the latest when the
 * time for acknowledgements is over. */
void sim_device_move(struct sim_device *d);

/* sim_reading.c */

/* It is connected: readings from now on. */
void sim_reading_begin(struct sim_device *d);
/* Its profile has changed. */
void sim_reading_change(struct sim_device *d);
/* Publishes what is held back. */
void sim_reading_flush(struct sim_device *d);

/* sim_status_check.c */

/* Looks which devices are connected already, in t->probe; sim_failed for those, then `done`. */
void sim_status_check_start(struct sim *t, void (*done)(struct sim *t));
void sim_status_check_free(struct sim_status_check *p);

/* sim_commands.c */

int sim_commands_init(struct sim *t, struct err *err);
/* 0: it may be acknowledged. */
int sim_commands_message(struct sim_device *d, const struct msg *m);

/* Acts as devices. `operands` is NULL-ended. */
int sim_run(const struct args *a, const struct opt_set *set, struct session_opts *opts,
    char **operands, struct err *err);

#endif
