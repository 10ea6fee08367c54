/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_ROSTER_H
#define IOTPUB_SIM_ROSTER_H

#include "cli/opt.h"
#include "iotpub/sim/device.h"

/*
 * Which devices there are: those of the command line, or with --from-platform those of the platform, which
 * with --refresh come, go and come again while the run goes on. All on the loop's thread.
 */
struct roster;

/* While the run goes on: what a refresh of the platform changes. */
struct roster_events {
	/* Not while devices are being looked at that are not connected yet. */
	bool (*can_change)(void *arg);
	/* One that was dismissed and is over is wanted again: it is a new one with the old number. */
	void (*readmitted)(void *arg, const struct device *d);
	/* There are devices that were added or readmitted: they are to be started. */
	void (*grown)(void *arg);
};

/* Reads the operands, a NULL-ended list, the credentials file and, which blocks, the platform; says with
 * ERR_USAGE what cannot be run. Nothing is connected. Fills what is missing of *config, which devices
 * keep, and `shared`->faults. Release *out also after an error. */
int roster_new(struct roster **out, struct device_config *config,
    struct reading_shared *shared, const struct opt_set *set, char **operands,
    struct err *err);
/* Asks the platform again each --refresh, on config->reading.loop. */
void roster_watch(struct roster *r, const struct roster_events *events, void *arg);
/* Asks no more, and changes nothing any more. */
void roster_stop(struct roster *r);
/* Accepts NULL. */
void roster_free(struct roster *r);

/* How many devices it has, those that have ended too. */
size_t roster_count(const struct roster *r);
/* The same from the first call on, but for those that are readmitted. */
struct device *roster_device(const struct roster *r, size_t number);
/* How many there can come to be. */
size_t roster_room(const struct roster *r);
/* How many were dismissed, and may be wanted again. */
size_t roster_dismissed(const struct roster *r);

#endif
