/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_STATUS_CHECK_H
#define IOTPUB_SIM_STATUS_CHECK_H

#include "iotpub/sim/roster.h"

/*
 * Is a device connected already? A second client with its id would take its place. Before the devices connect
 * their retained statuses are read: one that says "connected" cancels its device. A status that cannot be
 * read cancels nothing. Devices with one login at one broker share a session.
 */
struct status_check;

struct status_check_events {
	/* The broker's connection of the check was lost; only with --retry does it come again. */
	void (*lost)(void *arg, const struct device *d, const struct err *why);
	/* All were looked at. Free the check now, or later. */
	void (*done)(void *arg);
};

/* Of the devices that have no session and are not over. `opts`: what the sessions of devices share; kept. */
struct status_check *status_check_new(struct loop *loop, const struct session_opts *opts,
    const struct roster *roster, const struct status_check_events *events, void *arg);
/* Goes on by itself, on the loop; device_cancel for each that is connected, or whose broker cannot be
 * reached. `done` may come from inside. */
void status_check_start(struct status_check *c);
/* Accepts NULL. */
void status_check_free(struct status_check *c);

#endif
