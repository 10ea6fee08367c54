/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_WINDOW_H
#define MQTT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many messages a broker sends before it waits for an acknowledgement, and since when it has waited. Our
 * Receive Maximum is the most; its own limit (mosquitto 20, EMQX 32) it does not tell. That is learned: the
 * count at which it stood still, and which it reached again at once behind the acknowledgement, twice in a
 * row. The whole count, for one message at that moment is chance. A burst that comes as often as batches are
 * made looks the same, so what was learned is known only when it is seen once more, behind a batch that ended
 * because of it; else it is forgotten, as it is when ever more messages come. The zero value is ready.
 */
struct window {
	size_t ours;     /* Receive Maximum; 0: not announced */
	size_t known;    /* the broker's; 0: none */
	size_t guess;    /* what may be the broker's, and how often in a row that was seen */
	int seen;
	size_t n;        /* unacknowledged */
	int64_t came;    /* when a message came last; all times are ms */
	size_t stood;    /* where it stood still before the last acknowledgement; 0: not looked for */
	int64_t at_once; /* what comes until then comes at once behind the last acknowledgement */
	bool holds;      /* `n` has reached the limit */
	int64_t held;    /* since when it waits, but for what comes at once; 0: it does not */
};

enum {
	WINDOW_STANDS = 5,   /* ms without a message: it stands still */
	WINDOW_AT_ONCE = 20, /* ms, and two round trips: who is later loses a fifth at most */
	WINDOW_LEARNED = 2,  /* times seen */
	WINDOW_KNOWN = 3,
};

/* A new connection: nothing is unacknowledged, nor known of the broker. */
void window_reset(struct window *w, size_t ours);
/* `n` messages of QoS 1 and 2 are unacknowledged now. `trip`: ms of a round trip to the broker. */
void window_look(struct window *w, size_t n, int64_t now, int64_t trip);
/* The limit, as far as it is learned; 0: none. */
size_t window_size(const struct window *w);
/* Whether it is the broker's own for sure, not ours. */
bool window_is_theirs(const struct window *w);
/* Milliseconds until the broker has waited for WINDOW_STANDS; -1: it may send more. */
int64_t window_wait(const struct window *w, int64_t now);

#endif
