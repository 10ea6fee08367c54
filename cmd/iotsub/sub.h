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
	bool show_topic, bare, no_retained, retained_only, keep_session, json;
	struct strv exec; /* a program and its arguments */
	char *reply;
	int64_t timeout; /* of --exec */
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
	struct device_session *obey; /* NULL: commands are only shown */
	size_t wanted;     /* messages */
	bool stopping;
	struct loop_timer timer;
	struct loop_fd reader; /* of standard output, while it stalls */
	struct err *err; /* what the program ends with */
};

/* One connection more. */
int sub_add(struct sub *s, const struct session_opts *opt,
    const struct consumer_filter *filters, size_t n, struct err *err);
/* One connection for each device; "-" among the operands is a list on standard input. */
int sub_add_devices(
    struct sub *s, char **operands, const struct session_opts *opt, struct err *err);
/* Until everything has ended. */
int sub_run(struct sub *s, struct err *err);
void sub_release(struct sub *s);

/* What its parts tell it: a message came, and it may take more of them; what was shown must be safe now
 * (0: it is); a connection is over. */
bool sub_message(struct sub *s, const struct msg *m);
int sub_flush(struct sub *s);
void sub_ended(struct sub *s, const struct err *why);

#endif
