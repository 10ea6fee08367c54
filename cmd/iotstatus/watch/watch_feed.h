/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSTATUS_WATCH_WATCH_FEED_H
#define IOTSTATUS_WATCH_WATCH_FEED_H

#include "iotstatus/check.h"
#include "iotstatus/watch/watch_model.h"

/* What the broker pushes into the model: states, signs of life, traffic. Connects again for ever. */
struct watch_feed;

/* Connects on the loop of `check`, with its session and topics; both arguments must live longer than this.
 * changed(arg), on the loop: something may have to be counted and drawn. NULL on error. */
struct watch_feed *watch_feed_new(struct device_check *check, struct watch_model *m,
    void (*changed)(void *arg), void *arg, struct err *err);
/* Asked once a second: whether the broker has sent all that it kept. Before that a percentage would be
 * of half a fleet. NULL: it has. */
bool watch_feed_is_settled(struct watch_feed *f);
/* Whether, since this was asked last, a topic had an id that the API does not list: perhaps a client id, which
 * device_table_join can tell. NULL: no. */
bool watch_feed_found_unlisted(struct watch_feed *f);
/* Why there is no connection, or "". NULL: "". */
const char *watch_feed_trouble(const struct watch_feed *f);
/* Accepts NULL. */
void watch_feed_free(struct watch_feed *f);

#endif
