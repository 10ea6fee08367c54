/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_VERBS_DEVICE_H
#define IOTCTL_VERBS_DEVICE_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* Whether a device, as the API shows it, has this sensor. */
bool device_has_sensor(struct span device, json_int_t sensor);

/* What the credentials file calls it: its identificador_unico, without one its mqtt_client_id; "" when it
 * has neither (free). */
char *device_name(struct span device);

/* Gives a device a sensor, its id, or takes it; in a dry run shows the request. What a dry run only
 * pretends to make has no id: then `device` is 0 and `name` stands for it, and `sensor` may be a name. Blocks;
 * `doing` as in ctl_call. */
int device_sensor(struct ctl *c, json_int_t device, const char *name, json_t *sensor,
    bool assign, const char *doing, struct err *err);

#endif
