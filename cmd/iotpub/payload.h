/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdint.h>

#include "sensor.h"

/* The two shapes of the platform's guide: its Raspberry Pi's and its ESP32's. */
enum payload_shape { PAYLOAD_NESTED, PAYLOAD_FLAT };
#define PAYLOAD_SHAPES "nested|flat"

/* {"device_id":"X","sensors":{...},"timestamp":T} or {"device_id":"X",...,"timestamp":T}. `device`
 * is a valid id. */
void payload_reading(struct buf *out, enum payload_shape shape, const char *device,
    const struct sensors *s, uint64_t *random, int64_t timestamp);
/* In the flat shape a sensor stands beside device_id and timestamp: it cannot have their names. */
int payload_check(enum payload_shape shape, const struct sensors *s, struct err *err);

/* {"device_id":"X","status":"connected","timestamp":T}; T < 0: none. */
void payload_status(
    struct buf *out, const char *device, const char *status, int64_t timestamp);

#endif
