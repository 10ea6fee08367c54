/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_H
#define IOTCTL_ACL_ACL_H

#include "access/access.h"
#include "access/access_rules.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"

/* The platform's objects as rules. Nothing here blocks. */

/* The rules of one account among objects of emqx-acl, in their order. Adds to `out`. */
void acl_of_rules(const struct objects *rules, const char *username, struct access_list *out);
/* Whether the platform itself keeps the rules of a device; else they are made of its topics. */
bool acl_is_kept(const struct view *v, struct span device);
/* The name that the broker knows a device by: that of its account at the broker, where the platform keeps accounts; else its
 * credential's, which is its client id, the name in its certificate, when it uses one. "": it has none (free). */
char *acl_login_of(const struct view *v, struct span device);
/* Whether it shows a certificate in place of a password. */
bool acl_uses_certificate(const struct view *v, struct span device);
/* The rules of a device: those of its account at the broker, where the platform keeps rules, else what
 * its device-config and the templates of `topics` need, everything else denied. Adds to `out`. Returns acl_login_of. */
char *acl_of_device(const struct view *v, const struct topic_set *topics, struct span device,
    struct access_list *out);
/* The rules of one who works with all devices: a broker's own user. Adds to `out`. */
void acl_of_service(const struct view *v, const struct topic_set *topics,
    const char *username, struct access_list *out);

#endif
