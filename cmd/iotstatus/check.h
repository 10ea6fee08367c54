/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef GATHER_H
#define GATHER_H

#include "iotstatus/options.h"
#include "iotstatus/source/source.h"
#include "iotstatus/verdict.h"

/* One look at the fleet: everything that it needs, and what it found. */
struct look {
	struct args *args;
	const struct opt_set *set; /* of args */
	struct limits limits;
	struct topics topics;
	struct loop *loop;
	struct api *api, *emqx;
	struct session_opts session;
	struct fleet fleet;
	struct report report;
	int64_t started; /* microseconds since 1970 */
};

/* Reads the options; asks nobody. */
int look_prepare(struct look *l, struct err *err);
/* Asks the sources, counts and judges. Blocks up to the time-out. */
int look_take(struct look *l, struct err *err);
void look_release(struct look *l);

/* For --watch: the API's devices (or EMQX's clients) into the fleet, again. */
int look_poll(struct look *l, struct err *err);
/* The --list that was asked for. */
void look_list(const struct look *l, enum format format, struct buf *out);

#endif
