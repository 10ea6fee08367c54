/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_PRESENCE_H
#define MODEL_PRESENCE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Whether a device is there. The platform has two words for each state: a status message and a device-config's
 * connection_status say connected, disconnected or error, a device's own connection_status says online, offline or
 * error. The last two states are conclusions of who looks at a fleet; the platform has no word for them.
 */
enum presence {
	PRESENCE_ONLINE,
	PRESENCE_OFFLINE,
	PRESENCE_ERROR,
	PRESENCE_NEVER, /* not online, and no sign that it ever was */
	PRESENCE_STALE, /* said to be online, without a sign of life that is young enough */
	PRESENCES
};

/* "online", "offline", "error"; also "never" and "stale". */
extern const char *const presence_names[PRESENCES];
/* "connected", "disconnected", "error"; NULL for the others. */
extern const char *const presence_status_words[PRESENCES];

/* The state of a device's connection_status, or of a status message's word. False: it is none of the three. */
bool presence_by_name(struct span name, enum presence *out);
bool presence_by_status(struct span word, enum presence *out);
/* That of a status message, of its payload. False: it says none. */
bool presence_by_message(struct span payload, enum presence *out);
/* Such a payload, as a device's own will has it; the time in s since 1970. */
void presence_put_message(struct buf *out, const char *device, enum presence state, int64_t time);

#endif
