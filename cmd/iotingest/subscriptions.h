/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_SUBSCRIPTIONS_H
#define IOTINGEST_SUBSCRIPTIONS_H

#include "base/strv.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/consumer.h"
#include "iotingest/run.h"

/* What is subscribed to, and where a message's variables (device_id ...) come from. */
struct subscriptions {
	struct topic_set topics;
	struct topic **templates;  /* `n`, those with variables first: topics.more points to them */
	struct consumer_filter *v; /* `n`, in the order in which they were given; with --group shared ones */
	size_t n;
};

/* From -t, from the platform's topics, else the configuration's data template. Release it also
 * after an error. */
int subscriptions_make(struct subscriptions *f, const struct args *a, const struct strv *platform,
    struct err *err);
void subscriptions_release(struct subscriptions *f);

#endif
