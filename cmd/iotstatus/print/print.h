/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_PRINT_PRINT_H
#define IOTSTATUS_PRINT_PRINT_H

#include "iotstatus/verdict.h"

/* Everything a person or a program reads of a report; each ends with a newline. */

/* The guide's sentence, "8/10 devices online (80.00%)", and what else was asked. */
void print_text(struct buf *out, const struct report *r);
/* The Monitoring Plugins' line: state, value, threshold, performance data. */
void print_nagios(struct buf *out, const struct report *r);
/* "IOT CRITICAL - cannot reach ...", for what could not be found out. */
void print_trouble(struct buf *out, enum state state, const char *text);
/* "45s old: cannot reach ...", of a report with trouble. */
void print_trouble_age(struct buf *out, const struct report *r);
/* From line 2: with -v who is not online, and who is disputed. */
void print_details(struct buf *out, const struct report *r);
void print_json(struct buf *out, const struct report *r);
/* {"state":"UNKNOWN","error":"..."} */
void print_json_trouble(struct buf *out, enum state state, const char *text);

/* The states as performance data and metrics name them. */
extern const char *const print_labels[PRESENCES];

/* Prometheus' text format. */
void print_prometheus(struct buf *out, const struct report *r, double now);
/* The same when there is nothing to tell but that; last_success 0: unknown. */
void print_prometheus_trouble(struct buf *out, double seconds, double last_success);

/* One device of --list. */
enum list_form { LIST_LINES, LIST_TSV, LIST_JSON };
void print_device(struct buf *out, const struct device *d, enum list_form form);

/* "2026-11-25T19:00:00Z", or - when it is not known: for programs. */
void print_when(struct buf *out, int64_t us);
/* The same in the zone of who reads it, "2026-11-25T13:00:00-06:00"; Z where that is UTC. */
void print_when_local(struct buf *out, int64_t us);
/* "8/10 devices online (80.00%)". */
void print_share(struct buf *out, const struct counts *c);
/* "45s", "3m", "5h 10m", "2d 4h". */
void print_age(struct buf *out, int64_t seconds);

#endif
