/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_PROVISION_PROVISION_BATCH_H
#define IOTCTL_PROVISION_PROVISION_BATCH_H

#include "base/strv.h"
#include "iotctl/login/password_file.h"
#include "iotctl/output/progress.h"
#include "iotctl/provision/provision_unit.h"

/* The units of one run. */
struct batch {
	struct ctl *c;
	struct fleet_file fleet;
	struct strv ids;
	char *common[FLEET_COLUMNS]; /* FIELD=... of the command line, for what a row leaves open */
	struct password_file file;
	struct catalog catalog;
	struct unit *v;
	size_t n;
	struct progress progress;
	size_t done, failed;
	const struct err *hopeless; /* a unit's: the others would meet the same fate */
};

/* The devices of the command line or of --from, as units that point into the batch. ERR_USAGE: neither, both,
 * one twice, or values that no device can have; all wrong lines but the last are told by then. */
int provision_batch_read(struct batch *b, const struct operands *in, struct err *err);

/* A login for each unit that has none: all new passwords are on disk before the platform has the
 * first, so that none can be lost. */
int provision_batch_save_logins(struct batch *b, struct err *err);
/* Finishes the changes of passwords that are pending, one after another: each waits for its turn among all
 * processes. A unit whose change fails is marked. */
void provision_batch_finish_logins(struct batch *b);

#endif
