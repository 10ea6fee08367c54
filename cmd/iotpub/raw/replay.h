/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_RAW_REPLAY_H
#define IOTPUB_RAW_REPLAY_H

#include "model/topic_set.h"
#include "mqtt/session.h"
#include "iotpub/iotpub.h"
#include "iotpub/raw/record.h"

/* Messages that come as lines of NDJSON, and when each is due. The zero value is released safely. */
struct replay {
	const struct args *a;
	struct record record; /* the last line's */
	struct record_map map;
	struct topic_set topics;
	double speed; /* 0: as fast as they are taken */
	int64_t us;    /* the latest time that a line said; -1: none yet */
	int64_t began; /* when the first of these was published, on the loop's clock */
	double due;    /* ms after that, when the latest one was to be */
	size_t line;
	bool told_jump, told_wait;
};

int replay_init(struct replay *r, const struct args *a, struct err *err);
void replay_release(struct replay *r);
/* The next line without a byte order mark in front of the first one. False: it is blank, and there is no more to it. */
bool replay_line(struct replay *r, struct span *line);
/* Reads the line that replay_line gave into r->record; *wait is how many ms it is not due yet at `now`. */
int replay_take(
    struct replay *r, struct span line, int64_t now, int64_t *wait, struct err *err);
/* What is to be published for it; spans into `r`. */
struct session_pub replay_message(const struct replay *r);

#endif
