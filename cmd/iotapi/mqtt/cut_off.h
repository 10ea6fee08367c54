/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_MQTT_CUT_OFF_H
#define IOTAPI_MQTT_CUT_OFF_H

#include "base/strv.h"
#include "iotapi/app.h"

/*
 * Devices whose logins a broker is about to forget. mosquitto, told by SIGHUP, ends their connections without
 * publishing their wills (2.0.11: measured), so that their retained statuses would say "connected" from then on, to
 * those who come later and to us. What the device's will would have said is said by a will of ours: a connection per
 * status that says "connected", dropped without DISCONNECT. A device that knows its new password says "connected" by
 * itself when it is back.
 */

/* Sets the retained status of each device that has one of these user names and is said to be connected to
 * "disconnected", on all active brokers, and looks whether it is. Blocks, for some seconds where a broker does not
 * answer. *corrected: how many statuses. -1 with the last reason why one stays as it is; the others are in the log. */
int cut_off_correct(
    struct app *app, const struct strv *usernames, size_t *corrected, struct err *err);

#endif
