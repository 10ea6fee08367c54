/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACLFILE_H
#define ACLFILE_H

#include "acl.h"

/* EMQX's acl.conf. Refuses (ERR_REFUSED) a name or topic that cannot stand in it. */
int acl_put_emqx(struct buf *out, const struct acl *a, struct err *err);
/* mosquitto's acl_file: what is not allowed there is denied, so that "deny #" says nothing more; other
 * denials are put in and win over every permission, whatever their order; it knows neither QoS nor
 * retain, and is told wider then, with a warning. */
int acl_put_mosquitto(struct buf *out, const struct acl *a, struct err *err);

#endif
