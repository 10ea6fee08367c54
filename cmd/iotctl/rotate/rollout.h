/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ROTATE_ROLLOUT_H
#define IOTCTL_ROTATE_ROLLOUT_H

#include "iotctl/login/password_file.h"
#include "iotctl/sync/sync.h"

/*
 * New passwords for devices of one broker, which has one password for a login at a time. A batch of devices goes
 * through these steps, each written down (password_file_mark) before the next, so that who was stopped goes on there:
 *
 *	made       a password is pending; everybody goes on with the old one
 *	delivered  the device has it, from --deliver, and keeps the old one as well
 *	sending    the API gets it, then the broker, by a driver of broker sync
 *	sent       both have it: a witness looks for a later connection of the device
 *	over       it has come: the credentials file has the new password, and nobody the old one
 *
 * A device that was not reached keeps its old password everywhere. Between "sending" and its next connection it
 * gets in with the new one only, which it has.
 */

/* One device. */
struct rollout_device {
	size_t user;  /* in sync.v */
	char *id;     /* its name in the credentials file */
	char *client_id;
	json_int_t credential, account; /* the API's; 0: none */
	enum password_file_stage stage; /* as it is written down */
	bool round;     /* as well: it is one of a --all that is not over */
	char *password; /* the new one; NULL: none yet */
	char *seen;     /* the witness's note; NULL: none */
	bool failed;    /* with its error line by now; it stays at its stage */
	bool changed;   /* in this run the broker took the password ... */
	bool resent;    /* ... that it may have had by then, of a run before */
	bool came;
	bool maybe; /* it came while the broker was changed: with which password is not known */
	/* The witness's. */
	char *status_topic;
	char *data_filter;
	bool heard;     /* it has a status ... */
	bool connected; /* ... that says so */
};

struct rollout {
	struct ctl *c;
	struct sync sync;
	struct password_file file;
	char *broker_name;  /* id:N, for lookup */
	const char *broker; /* N alone */
	struct rollout_device *v;
	size_t n;
	size_t from, to; /* the batch: v[from..to) */
	const struct witness *witness;
	void *own; /* the witness's */
	size_t over, failed, waiting;
};

enum { ROLLOUT_BATCH = 50 };

/* The broker that all of these devices are configured for, with --all that of all devices or, where there are several,
 * the one that is named: as a name for lookup (free). NULL: err. Blocks. */
char *rollout_broker(struct ctl *c, const struct strv *names, struct err *err);
/* The devices to be rotated, by what sync_want and the driver have read. With --all those that are left of the --all
 * before this one, if there are any and nobody said --again; that is told. */
int rollout_choose(struct rollout *r, const struct strv *names, struct err *err);
/* Blocks until all batches are through. -1: it could not go on, or some have failed or not come. */
int rollout_run(struct rollout *r, struct err *err);

/* Writes the stage of the devices of the batch down for which is(device) holds; they have it from then on. */
int rollout_mark(struct rollout *r, enum password_file_stage stage,
    bool (*is)(const struct rollout_device *d), struct err *err);
/* It could not be: told, and counted. */
void rollout_failed(struct rollout *r, struct rollout_device *d, const struct err *why);

/* rollout_send.c: the API and the broker get the passwords of those of the batch that are "sending". -1: nothing
 * more can be done. */
int rollout_send(struct rollout *r, struct err *err);
void rollout_release(struct rollout *r);

#endif
