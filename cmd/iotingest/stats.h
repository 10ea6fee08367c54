/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_STATS_H
#define IOTINGEST_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/loop.h"

/* What was done so far. It is told by --stats, on SIGUSR1, by --metrics (a textfile of Prometheus'
 * node_exporter), on the terminal, and at the end. */
struct counts {
	uint64_t messages;      /* made lines or rejects */
	uint64_t readings;
	uint64_t rejected;
	uint64_t skipped;       /* by --retained */
	uint64_t bytes_in;      /* topics and payloads */
	uint64_t bytes_out;     /* lines and rejects that are safe */
	uint64_t batches;       /* safe */
	uint64_t held_back;     /* batches that ended before --linger: no more could come */
	uint64_t acknowledged;  /* messages that are safe and were let go */
	uint64_t connections;
	uint64_t sessions_lost; /* by the broker, while we were away from it */
	uint64_t shares_ended;  /* the same, of a member of a group */
	uint64_t sink_failures;
	int64_t last_us;        /* when the last message came; 0: none yet */
	bool connected;
	/* Of the connection, or of the last one. */
	bool session_present;
	char *broker, *address; /* the program's; NULL: there was none yet */
	size_t window;                /* mqtt/consumer.h; 0: not known */
};

struct stats;

struct stats_opts {
	int64_t interval;    /* ms between two lines; 0: none */
	const char *metrics; /* the textfile, or NULL */
	bool live;           /* a line on the terminal, each second */
};

/* Starts the clock. Keeps `counts`, which is read when something is told, and `metrics`. */
struct stats *stats_new(
    struct loop *loop, const struct counts *counts, const struct stats_opts *opts);
/* Writes the textfile now: a place that cannot be written is told at the start. */
int stats_start(struct stats *s, struct err *err);
/* One NDJSON line on stderr. */
void stats_tell(struct stats *s);
/* Wipes the live line, writes the textfile for the last time; with `summary` says what was done. */
void stats_end(struct stats *s, bool summary);
/* Accepts NULL. */
void stats_free(struct stats *s);

#endif
