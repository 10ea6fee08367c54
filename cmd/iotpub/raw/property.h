/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_RAW_PROPERTY_H
#define IOTPUB_RAW_PROPERTY_H

#include "base/err.h"
#include "base/strv.h"
#include "msg/message.h"

/* MQTT 5 properties of a PUBLISH (3.3.2.3) as the words of -D, in mosquitto_pub's names: publish NAME VALUE, and publish
 * user-property NAME VALUE. */

/* How many of the `n` words behind the first one belong to it; more than `n`: some are missing. */
size_t property_words(char *const *next, size_t n);
/* Reads all of them; spans point into `words`. ERR_USAGE for what is none. Release *out also after an error. */
int property_take(struct msg_props *out, const struct strv *words, struct err *err);
void property_release(struct msg_props *out);

#endif
