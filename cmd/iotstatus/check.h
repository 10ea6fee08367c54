/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_CHECK_H
#define IOTSTATUS_CHECK_H

#include "model/topic_set.h"
#include "iotstatus/options.h"
#include "iotstatus/source/source.h"
#include "iotstatus/verdict.h"

/* One check of the fleet: everything that it needs, and what it found. `args`, `set` and the report's `recovered` are
 * the caller's to set; release with check_release in every case. */
struct device_check {
	struct options *args;
	const struct opt_set *set; /* of args */
	struct thresholds limits;
	struct topic_set topics;
	struct loop *loop;
	struct rest *api, *emqx; /* NULL: not asked */
	struct session_opts session;
	struct device_table fleet;
	struct report report;
	int64_t started; /* microseconds since 1970 */
};

/* Reads options, thresholds, and the files that they name; asks nobody. ERR_USAGE. */
int check_prepare(struct device_check *check, struct err *err);
/* Asks the sources, counts and judges: the report. Blocks up to the time-out of the options. Errors are those of
 * the sources: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_PROTOCOL, what a server refuses; ERR_USAGE for a threshold of a
 * group that is not there. */
int check_run(struct device_check *check, struct err *err);
void check_release(struct device_check *check);

/* For --watch: the API's devices (or EMQX's clients) into the fleet, again. Blocks, while the loop goes on with its
 * other events. Errors as check_run's. */
int check_poll(struct device_check *check, struct err *err);
/* Appends the --list that was asked for. */
void check_list(const struct device_check *check, enum format format, struct buf *out);

#endif
