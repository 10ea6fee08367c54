/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SAME_H
#define SAME_H

#include <jansson.h>

#include "ctl.h"

/* Whether the server's value (NULL: absent) of a field is this one already: numbers by value, lists
 * as sets, texts without the blanks at their ends (the Django backend takes them away), times as
 * instants, those without a zone in `zone` (may be NULL). `f` may be NULL. */
bool same_value(
    const struct schema_field *f, json_t *now, json_t *value, const char *zone);

/* Whether the answer `now` holds all that `body` asked for: a server may ignore what it does not
 * like without a word. What it cannot show is taken on trust. ERR_FAILED names each field. */
int same_check(const struct ctl *c, const struct schema_resource *r, const char *label,
    json_t *body, struct span now, struct err *err);

/* Whether the API kept the timestamp `sent` of a reading, by its answer to the POST, or, where that has
 * none, by the reading as it has it. ERR_FAILED names the reading: it did not, or nobody can tell. */
int same_reading_time(struct ctl *c, const char *sent, const struct api_reply *reply,
    struct err *err);

#endif
