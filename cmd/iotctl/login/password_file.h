/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PASSFILE_H
#define PASSFILE_H

#include <jansson.h>

#include "model/credentials.h"
#include "iotctl/ctl.h"

/*
 * The credentials file in use, and what is known of it beside it, in FILE.state (JSON, 0600): the platform
 * whose passwords it has, and passwords that this platform may have taken or not. Both files are written
 * under the one lock of the first.
 */
struct passfile {
	char *path; /* NULL: no home */
	struct credentials known;
	json_t *state;
	const char *
	    api; /* the platform in use; NULL: --credentials on the command line, for any platform */
};

/* Opens it; one that has another platform's passwords is refused. Release it in every case. */
int passfile_open(struct ctl *c, struct passfile *p, struct err *err);
/* As passfile_open, whatever platform it is of: for who has no platform in mind. */
int passfile_open_any(struct ctl *c, struct passfile *p, struct err *err);
/* Reads it again: others may have written. */
int passfile_reload(struct passfile *p, struct err *err);
void passfile_release(struct passfile *p);

/* Before the first password goes into it: from now on it is of the platform in use. */
int passfile_claim(struct passfile *p, struct err *err);
/* After a login: its passwords go with the context to where that is now. */
int passfile_move(struct ctl *c, struct err *err);

/* The password that was tried last for a device without an answer; NULL: what the file has counts. */
const char *passfile_pending(const struct passfile *p, const char *device);
bool passfile_is_pending(
    const struct passfile *p, const char *device, const char *password);
/* It is about to be tried. */
int passfile_add(
    struct passfile *p, const char *device, const char *password, struct err *err);
/* The platform has said no to it. */
int passfile_drop(
    struct passfile *p, const char *device, const char *password, struct err *err);
/* The file has the one that counts: none is pending any more. */
int passfile_settle(struct passfile *p, const char *device, struct err *err);

#endif
