/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_PASSWORD_FILE_H
#define IOTCTL_LOGIN_PASSWORD_FILE_H

#include <jansson.h>

#include "model/credentials.h"
#include "iotctl/ctl.h"

/*
 * The credentials file in use, and what is known of it beside it, in FILE.state (JSON, 0600): the platform
 * whose passwords it has, and passwords that this platform may have taken or not. Both files are written
 * under the one lock of the first.
 */
struct password_file {
	char *path; /* NULL: no home */
	struct credentials known;
	json_t *state;
	/* The platform in use, the client's text; NULL: --credentials on the command line, for any. */
	const char *api;
};

/* Opens it for reading; one that has another platform's passwords is refused. Release it in every case. */
int password_file_open(struct ctl *c, struct password_file *p, struct err *err);
/* As password_file_open, whatever platform it is of: for who has no platform in mind. */
int password_file_open_any(struct ctl *c, struct password_file *p, struct err *err);
/* One that is open already is for the platform in use; refused as by password_file_open. */
int password_file_use(struct ctl *c, struct password_file *p, struct err *err);
/* Reads it again: others may have written. What follows waits for the lock, and writes at once; an error leaves
 * both files as they were. */
int password_file_reload(struct password_file *p, struct err *err);
void password_file_release(struct password_file *p);

/* Before the first password goes into it: from now on it is of the platform in use. */
int password_file_claim(struct password_file *p, struct err *err);
/* After a login: its passwords go with the context to where that is now. A file that several contexts share stays
 * with the platform as long as another of them is there. */
int password_file_move(struct ctl *c, struct err *err);

/* The password that was tried last for a device without an answer; NULL: what the file has counts. */
const char *password_file_pending(const struct password_file *p, const char *device);
bool password_file_is_pending(
    const struct password_file *p, const char *device, const char *password);
/* It is about to be tried. */
int password_file_add(
    struct password_file *p, const char *device, const char *password, struct err *err);
/* The platform has said no to it. */
int password_file_drop(
    struct password_file *p, const char *device, const char *password, struct err *err);
/* The device has another id; NULL: it is gone. Its row and what is pending go along. */
int password_file_rename(
    struct password_file *p, const char *device, const char *to, struct err *err);
/* The file has the one that counts: none is pending any more. */
int password_file_settle(struct password_file *p, const char *device, struct err *err);

/* How far a rotation has got that goes over a broker (rotate/rollout.h). */
enum password_file_stage {
	PASSWORD_FILE_NONE,
	PASSWORD_FILE_PLANNED,   /* its turn has not come */
	PASSWORD_FILE_MADE,      /* there is a password, pending */
	PASSWORD_FILE_DELIVERED, /* the device has it, and the old one */
	PASSWORD_FILE_SENDING,   /* the platform and the broker may have it */
	PASSWORD_FILE_SENT,      /* they have it; the device has not been seen with it */
	PASSWORD_FILE_STAGES
};
/* "made" and so on; that of NONE is for a pending password without a broker: "unsure". */
extern const char *const password_file_stages[PASSWORD_FILE_STAGES];

struct password_file_mark {
	const char *device;
	enum password_file_stage stage; /* NONE: it is over, and nothing is pending any more */
	const char *password; /* becomes the pending one; NULL: that stays */
	const char *broker, *seen; /* its name; the witness's note (rotate/witness.h); NULL: these stay */
	int64_t since; /* s since 1970; 0 where it is not known */
	bool round;    /* it is one of a rotation of all, until it is over; false: that stays */
};

/* Writes all of them in one step. */
int password_file_mark(
    struct password_file *p, const struct password_file_mark *v, size_t n, struct err *err);
/* What is known of a device, its texts until `p` changes; true if anything is pending or planned. */
bool password_file_look(
    const struct password_file *p, const char *device, struct password_file_mark *out);
/* The password that a broker may have of the device by now in place of the file's; NULL: it has the file's. */
const char *password_file_at_broker(const struct password_file *p, const char *device);
/* Each device of which something is pending or planned, in the order of their names. */
void password_file_each(const struct password_file *p,
    void (*fn)(void *arg, const struct password_file_mark *mark), void *arg);

#endif
