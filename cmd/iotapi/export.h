/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTAPI_EXPORT_H
#define IOTAPI_EXPORT_H

#include "iotapi/app.h"

/* Writes DIR/passwords for mosquitto, atomically: the logins of active credentials and of active
 * brokers. As root, and where a group mosquitto exists, that group may read it (0640): mosquitto
 * drops its privileges before it reads the file again on SIGHUP. Else 0600. ERR_REFUSED: a
 * user name that mosquitto does not take, or one with two passwords; ERR_OUTPUT. Devices that are online with a
 * login that counts no more get their retained status corrected (mqtt/cut_off.h). Blocks. */
int export_mosquitto(struct app *app, const char *dir, struct err *err);

#endif
