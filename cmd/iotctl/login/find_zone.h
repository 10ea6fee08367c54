/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_LOGIN_FIND_ZONE_H
#define IOTCTL_LOGIN_FIND_ZONE_H

#include "iotctl/ctl.h"

/* The zone of the times that the API writes without one, by a time whose moment is known: the user's last_login,
 * when it is that of the login just now, by the server's own clock; or one that the API also writes with its zone. Else
 * a person is asked. NULL: the times name their zone, or --api-tz does, or nobody knows, which is told (free).
 * Blocks; right after a login. */
char *find_zone(struct ctl *c);

#endif
