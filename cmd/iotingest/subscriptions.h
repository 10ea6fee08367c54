/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FILTERS_H
#define FILTERS_H

#include "model/topic.h"
#include "iotingest/run.h"
#include "mqtt/consumer.h"

/* What is subscribed to, and the templates that captures come from. */
struct filters {
	struct topics topics;
	struct topic **templates; /* of `n` filters; captures come from the first topics.mores */
	struct consume_filter *v;
	size_t n;
};

/* From -t, from the platform's topics, else the configuration's data template. Release it also
 * after an error. */
int filters_make(struct filters *f, const struct args *a, const struct strv *platform,
    struct err *err);
void filters_release(struct filters *f);

#endif
