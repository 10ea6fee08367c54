/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the walk through a payload is made of; only for device_reading*.c. */
#ifndef MSG_DEVICE_READING_INT_H
#define MSG_DEVICE_READING_INT_H

#include "base/json.h"
#include "msg/device_reading.h"

/* What stands for the time or the device: values of one name, of which the last one counts, as it does for jq,
 * Python and PostgreSQL. */
struct reading_member {
	struct span value; /* p == NULL: none */
	bool differs;      /* one of them is another than the topic's id */
};

/* The members that one of `names` leads to in `object`, or in what is below its member `sensors`: of the first name
 * that is there. False: none is. */
bool device_reading_keys_find(const struct strv *names, struct span object, struct span device_id,
    struct reading_member *found);
/* Whether a sensor's name, in the payload or below its member `sensors`, is a key's or below one. */
bool device_reading_keys_have(const struct reading_keys *k, struct span name, bool in_sensors);

/* A value that is no JSON: nan, inf, infinity or ovf, in any case, with a sign or without. Copies a payload that
 * may be an object or list to `out`, which is empty, where each such value in it is 0 and blanks. False: there is
 * none. */
bool device_reading_mend(struct buf *out, struct span payload);
/* Whether a payload is one word [A-Za-z0-9_.+-]{1,32}, blanks around it apart: *word. */
bool device_reading_word(struct span payload, struct span *word);
/* Whether a word is such a value. */
bool device_reading_is_no_number(struct span word);

#endif
