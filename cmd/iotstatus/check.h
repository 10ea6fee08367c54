/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_CHECK_H
#define IOTSTATUS_CHECK_H

#include "model/topic_set.h"
#include "iotstatus/options.h"
#include "iotstatus/source/source.h"
#include "iotstatus/verdict.h"

/* One look at the fleet: everything that it needs, and what it found. */
struct device_check {
	struct options *args;
	const struct opt_set *set; /* of args */
	struct thresholds limits;
	struct topic_set topics;
	struct loop *loop;
	struct rest *api, *emqx;
	struct session_opts session;
	struct device_table fleet;
	struct report report;
	int64_t started; /* microseconds since 1970 */
};

/* Reads the options; asks nobody. */
int check_prepare(struct device_check *l, struct err *err);
/* Asks the sources, counts and judges. Blocks up to the time-out. */
int check_take(struct device_check *l, struct err *err);
void check_release(struct device_check *l);

/* For --watch: the API's devices (or EMQX's clients) into the fleet, again. */
int check_poll(struct device_check *l, struct err *err);
/* The --list that was asked for. */
void check_list(const struct device_check *l, enum format format, struct buf *out);

#endif
