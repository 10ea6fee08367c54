/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_MQTT_RETAINED_H
#define IOTCTL_MQTT_RETAINED_H

#include "iotctl/ctl.h"

/* Takes the retained status of an object that is gone, if it was a device, off the broker that the options or
 * the context name: others would go on seeing it. That there is none, or a failure, is told, not more: the
 * device is gone. */
void retained_clear(struct ctl *c, const struct schema_resource *r, struct span object);

#endif
