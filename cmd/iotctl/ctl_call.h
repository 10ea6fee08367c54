/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CTL_CALL_H
#define IOTCTL_CTL_CALL_H

#include "iotctl/ctl.h"

/* A request to the API, until it is answered; in a job others go on meanwhile (core/jobs.h). `doing`
 * ("cannot create broker") goes in front of each of the server's reasons: all but the last are printed, in
 * the job's turn, the last is in `err`; with c->join_reasons all are in `err`. NULL: `err` is as rest_call
 * leaves it. `reply` (rest_reply_release; filled on success only) may be NULL. */
int ctl_call(struct ctl *c, const char *doing, const char *method, const char *path,
    struct span body, struct rest_reply *reply, struct err *err);

#endif
