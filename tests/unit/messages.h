/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_MESSAGES_H
#define TESTS_UNIT_MESSAGES_H

#include "model/topic_set.h"
#include "msg/message.h"
#include "unit.h"

/* The guide's topics, compiled for a group of tests, and a message of QoS 1 at one known moment. */
static struct topic_set topics;

static inline int
setup(void **state)
{
	struct err err = {0};

	(void)state;
	return topic_set_compile(&topics, &(struct topicopts){0}, &err);
}

static inline int
teardown(void **state)
{
	(void)state;
	topic_set_release(&topics);
	return 0;
}

static inline struct msg
message(const char *topic, const char *payload)
{
	return (struct msg){.topic = span_of(topic),
	    .payload = span_of(payload),
	    .received_us = 1795438040123456,
	    .qos = 1,
	    .mid = 17};
}

#endif
