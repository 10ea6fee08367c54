/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACCESS_ACCESS_RULES_H
#define ACCESS_ACCESS_RULES_H

#include "access/access.h"

/*
 * Rules made where the platform keeps none: what the topics of a device, or of a service that works with all
 * devices, need; everything else is denied, "$SYS" included. A pattern that is no topic with the device's id in it is
 * told by an error line, and counted in l->left_out.
 */
struct access_device {
	const char *username; /* its login */
	const char *id;       /* its id in topics */
	const struct strv *publish, *subscribe; /* the platform's patterns for it; NULL: none */
};

/* What a device needs: its patterns, its readings, its status written and read, answers, alerts, commands. Several
 * devices may have one login: the denials come behind all that is allowed. */
void access_rules_of_device(
    struct access_list *l, const struct topic_set *topics, const struct access_device *d);
/* Below it a test of a broker sends messages to itself. */
#define ACCESS_PROBE "iot/probe/"

/* What one needs who reads what devices publish, `patterns` besides, commands them, and tests the broker. Nothing is
 * denied. */
void access_rules_of_service(struct access_list *l, const struct topic_set *topics,
    const char *username, const struct strv *patterns);
/* A pattern of the platform for one device (NULL: for any) as a filter (free); NULL if it is no topic, or would
 * be one of other devices too. */
char *access_rules_filter(const char *pattern, const char *device);

#endif
