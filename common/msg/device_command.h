/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MSG_DEVICE_COMMAND_H
#define MSG_DEVICE_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"

/* A command is any JSON; an object with an `id` is answered. The id's own JSON bytes, within
 * `payload`; false when there is none to be answered. */
bool device_command_id(struct span payload, struct span *id);

/* The id as a person or an environment variable wants it: a string without its quotes and
 * escapes, anything else as its JSON bytes. */
void device_command_id_text(struct buf *out, struct span id);

/* The answer {"id":ID,"device_id":"X","status":"ok|error|timeout","result":RESULT}: `result` as it is
 * when it is JSON (without insignificant white space), else as a JSON string without its last newline, with
 * bad bytes replaced; null when it is empty. */
void device_command_answer(struct buf *out, struct span id, struct span device_id,
    const char *status, struct span result);

#endif
