/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTSUB_SUB_H
#define IOTSUB_SUB_H

#include "base/strv.h"
#include "cli/opt.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "msg/message_format.h"
#include "mqtt/mqtt_options.h"
#include "iotsub/output.h"
#include "iotsub/subscription.h"

struct args {
	struct common common;
	struct mqtt_options mqtt;
	struct topicopts topics;
	struct strv filters, without, unsubscribe;
	int qos;
	int count;
	int64_t wait;
	int64_t session_expiry; /* ms; -1: not given */
	int64_t max_packet;
	bool show_topic, bare, no_retained, retained_only, keep_session, json;
	struct strv exec; /* a program and its arguments */
	char *reply;
	int64_t exec_timeout;
	int jobs;
	char *format;
	char *credentials;
};

/* The program at work. */
struct sub {
	const struct args *args;
	struct opt_set *set;
	struct loop *loop;
	struct topic_set topics;
	struct message_format *format;
	struct output output;
	struct subscription **receivers;
	size_t count, live;
	struct device_sessions *devices; /* NULL: commands are only shown */
	size_t wanted;     /* messages */
	uint64_t shown;
	bool stopping;
	bool leaving;   /* and waits for nothing that is not safe yet */
	bool unwritten; /* lines could not be */
	struct loop_timer timer;
	struct err *err; /* what the program ends with */
};

/* Standard output, once s->loop is there and before any connection. */
int sub_open_output(struct sub *s, struct err *err);
/* One connection more, that shows what comes in. */
int sub_add(struct sub *s, const struct session_opts *opt,
    const struct consumer_filter *filters, size_t n, struct err *err);
/* One connection more, of a device whose commands are shown, run and answered. */
int sub_add_device(struct sub *s, const struct session_opts *opt, const char *device,
    const char *filter, struct err *err);
/* One connection for each device; "-" among the operands is a list on standard input. Reads the credentials
 * file. */
int sub_add_devices(
    struct sub *s, char **operands, const struct session_opts *opt, struct err *err);
/* Until everything has ended. What the program ends with is in s->err. */
int sub_run(struct sub *s, struct err *err);
void sub_release(struct sub *s);

#endif
