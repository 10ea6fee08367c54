/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_EQUAL_H
#define IOTCTL_CORE_EQUAL_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* An object that the server sent (decref); NULL if it is none. An integer beyond 64 bits, which
 * jansson refuses, is a real. */
json_t *equal_load(struct span object);

/* SAME_UNKNOWN: a time of the server's without a zone that may be the one asked for, or not. */
enum sameness { SAME_NO, SAME_YES, SAME_UNKNOWN };

/* Whether the server's value (NULL: absent) of a field is this one already: numbers by value, 1 as
 * 1.0, lists of references as sets, texts without the blanks at their ends (the Django backend takes
 * them away), times as instants to the second, those without a zone by the clock of `zone` (may be
 * NULL) or of the server's own time. `f` may be NULL. */
enum sameness equal_value(
    const struct schema_field *f, json_t *now, json_t *value, const char *zone);

/* Whether a time of the server's is `bound` or later (`since`), else earlier. SAME_UNKNOWN: its zone
 * is not known, and would decide; or it is no time. `zone` as in equal_value. */
enum sameness equal_within(const char *now, const char *bound, bool since, const char *zone);

/* The fields of `body` that the answer `now` does not hold (decref): a server may ignore what it does
 * not like without a word. What it cannot show is taken on trust. */
json_t *equal_rest(const struct ctl *c, const struct schema_resource *r, json_t *body,
    struct span now);
/* Whether there are none. ERR_FAILED names the last; the others have their lines by now, in the job's turn. */
int equal_check(const struct ctl *c, const struct schema_resource *r, const char *label,
    json_t *body, struct span now, struct err *err);

/* Whether the API kept the timestamp `sent` of a reading, by its answer to the POST, or, where that has
 * none, by the reading as it has it, which it is asked for. ERR_FAILED names the reading: it did not, or nobody can tell. */
int equal_reading_time(struct ctl *c, const char *sent, const struct rest_reply *reply,
    struct err *err);

#endif
