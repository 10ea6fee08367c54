/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_FILE_H
#define IOTCTL_ACL_ACL_FILE_H

#include "iotctl/acl/acl.h"

/* The rules in the brokers' own file formats, appended to `out`, which is no whole file when they fail. */

/* EMQX's acl.conf, of rules that acl_close has made whole; with `whole` its last line denies everybody else
 * everything. ERR_REFUSED: a name or topic that cannot stand in it. */
int acl_file_put_emqx(struct buf *out, const struct acl *a, bool whole, struct err *err);
/* mosquitto's acl_file: what is not allowed there is denied, so that a denial behind the last permission says
 * nothing more; others are put in and win over every permission, whatever their order; it knows neither
 * QoS nor retain, and allows more then, with a warning. A rule with which mosquitto would not start gets an
 * error line, and is counted (left_out). */
int acl_file_put_mosquitto(struct buf *out, struct acl *a, struct err *err);

#endif
