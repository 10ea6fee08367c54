/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_FILE_H
#define IOTCTL_ACL_ACL_FILE_H

#include "access/access.h"
#include "base/buf.h"

/* The rules in the brokers' own file formats, appended to `out`, which is no whole file when they fail. */

/* EMQX's acl.conf, of rules that access_close has made whole; with `whole` its last line denies everybody else
 * everything. ERR_REFUSED: a name or topic that cannot stand in it. */
int acl_file_put_emqx(struct buf *out, const struct access_list *l, bool whole, struct err *err);
/* What a broker's own form cannot say of some rules. */
enum acl_file_loss {
	ACL_FILE_WIDER = 1,    /* it allows more: it knows neither QoS nor retain nor a filter by itself */
	ACL_FILE_STRICTER = 2, /* it denies more */
};
/* mosquitto's acl_file, with a warning for each kind of loss. A rule with which mosquitto would not start gets an
 * error line, and is counted (left_out). */
int acl_file_put_mosquitto(struct buf *out, struct access_list *l, struct err *err);
/* The lines of one user there: what is not allowed is denied, so that a denial is written only where a permission
 * follows it; a denial holds for both actions and before all permissions, whatever the order. Adds to `loss` what that
 * cannot say (enum acl_file_loss), to `left_out` the rules with which mosquitto would not start, each with its error line. */
int acl_file_put_user(struct buf *out, const struct access *a, unsigned *loss,
    size_t *left_out, struct err *err);
/* Those of the rules that any kind of rules of mosquitto can say, in their order; the array is the caller's (free), what it
 * points to is a's. The others get their error lines and are counted. ERR_REFUSED: it cannot be written at all. */
int acl_file_readable(
    const struct access *a, struct access *out, size_t *left_out, struct err *err);
/* The warnings. */
void acl_file_tell(unsigned loss);

#endif
