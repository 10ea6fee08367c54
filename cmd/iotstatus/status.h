/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef STATUS_H
#define STATUS_H

#include "base/buf.h"
#include "base/err.h"
#include "range.h"

/* The states of a monitoring plugin, which are its exit statuses. */
enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN };

/* How many devices are in which state. */
struct counts {
	long total, online, offline, error;
};

/* Reads the answer of /api/mqtt/device-status/. One that lacks a number, or whose numbers do not
 * add up, is an error (ERR_PROTOCOL). */
int status_read(struct counts *c, struct span body, struct err *err);
/* Of at least one device. */
double status_percent(const struct counts *c);
/* UNKNOWN for a fleet without devices: there is no percentage of nothing. */
enum state status_judge(
    const struct counts *c, const struct range *warning, const struct range *critical);

/* One line each, with its newline. */
void status_text(struct buf *out, const struct counts *c);
void status_json(struct buf *out, const struct counts *c, enum state state);
void status_nagios(struct buf *out, const struct counts *c, enum state state,
    const struct range *warning, const struct range *critical, double seconds);
/* "IOT CRITICAL - cannot reach ...", for what could not be found out. */
void status_trouble(struct buf *out, enum state state, const char *text);

#endif
