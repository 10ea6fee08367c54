/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_DOCTOR_DOCTOR_H
#define IOTCTL_DOCTOR_DOCTOR_H

#include "model/topic_set.h"
#include "iotctl/doctor/broker_cache.h"
#include "iotctl/doctor/findings.h"
#include "iotctl/login/password_file.h"

/* What one run of doctor knows of the platform. */
struct doctor {
	struct ctl *c;
	struct view view;
	struct topic_set topics;
	struct password_file file;
	struct broker_cache brokers;
	bool cause_only; /* of many devices: the first bad finding of each is enough */
};

/* Configuration, API, token, clock, brokers, freshness. -1 with `err`: it could not go on. Blocks. */
int doctor_check_site(struct doctor *d, struct findings *f, struct err *err);
/* One device of the view, from its name on the platform to its last reading. Nothing connects as the device.
 * Blocks. */
int doctor_check_device(
    struct doctor *d, struct span device, struct findings *f, struct err *err);

#endif
