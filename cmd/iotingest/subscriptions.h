/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTINGEST_SUBSCRIPTIONS_H
#define IOTINGEST_SUBSCRIPTIONS_H

#include "base/strv.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/consumer.h"
#include "iotingest/run.h"

/* What is subscribed to, and the templates that captures come from. */
struct subscriptions {
	struct topic_set topics;
	struct topic **templates; /* of `n` filters; captures come from the first topics.mores */
	struct consumer_filter *v;
	size_t n;
};

/* From -t, from the platform's topics, else the configuration's data template. Release it also
 * after an error. */
int subscriptions_make(struct subscriptions *f, const struct args *a, const struct strv *platform,
    struct err *err);
void subscriptions_release(struct subscriptions *f);

#endif
