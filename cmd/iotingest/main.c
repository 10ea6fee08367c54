/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/text.h"
#include "conf/program.h"
#include "ingest.h"

/* A durable session waits this long for its consumer, in seconds. */
enum { SESSION_EXPIRY = 86400 };

static const struct opt opts[] = {
    OPT_LIST(struct args, templates, 't', "topic", "FILTER",
	N_("subscribe to this filter or template; again for more"),
	.value = "the data template"),
    OPT_FLAG(struct args, readings, 0, "readings", N_("one line for each sensor value")),
    OPT_STR(struct args, rejects, 0, "rejects", "FILE",
	N_("append what is no reading to this file"), .flags = OPT_FILE,
	.value = "standard error"),
    OPT_STR(struct args, durable, 0, "durable", "NAME",
	N_("keep the session under this name: what comes while it is away waits")),
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2,
	N_("quality of service to ask for: 0 or 1"), .value = "1"),
    OPT_INT(struct args, count, 'C', "count", "N", 1, 1000000000,
	N_("end after so many messages")),
    OPT_TIME(struct args, wait, 'W', "wait", "TIME",
	N_("end after this time, with status 27")),
    OPT_MQTT(struct args, mqtt),
    OPT_TOPICS(struct args, topics),
    OPT_COMMON_MQTT(struct args, common),
    OPT_END,
};

static const struct program iotingest = {
    .name = "iotingest",
    .section = 1,
    .brief =
	N_("MQTT to standard output as NDJSON, acknowledged only when it is written"),
    .usage =
	(const char *const[]){"[options] [-t FILTER|TEMPLATE]... [--readings]", NULL},
    .examples = (const char *const[]){"iotingest --readings | jq .value",
	"iotingest --durable archive >>day.ndjson",
	"iotingest -t 'iot/devices/{device_id}/status' -C 10", NULL},
    .opts = opts,
};

static int
check(const struct args *a, struct err *err)
{
	if (a->qos == 2)
		return err_set(err, ERR_USAGE,
		    _("--qos 2: a QoS 2 message cannot be acknowledged after it is "
		      "written; "
		      "subscribe with 1, the broker hands it down"));
	if (a->durable == NULL)
		return 0;
	if (a->mqtt.id != NULL)
		return err_set(
		    err, ERR_USAGE, _("--durable names the client id: leave out --id"));
	return topic_check_id(span_of(a->durable), "--durable", err);
}

static int
run(struct args *a, const struct opt_set *set, size_t operands, char **operand,
    struct err *err)
{
	struct session_opts session = {0};

	if (operands > 0)
		return err_set(err, ERR_USAGE,
		    _("unexpected operand '%s'; filters are given with -t"), operand[0]);
	if (check(a, err) || mqttopts_resolve(&a->mqtt, set, &session, err))
		return -1;
	session.clean = a->durable == NULL;
	if (a->durable != NULL) {
		session.client_id = a->durable;
		session.session_expiry = SESSION_EXPIRY;
	}
	return ingest_run(a, &session, err);
}

int
main(int argc, char **argv)
{
	struct args a = {.mqtt = MQTTOPTS_DEFAULT, .qos = 1};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	int first;

	if (program_start(&set, &iotingest, &a, &a.common, argc, argv, &first, &answer,
		&err) == 0 &&
	    answer.n == 0)
		run(&a, &set, (size_t)(argc - first), argv + first, &err);
	fwrite(answer.p, 1, answer.n, stdout);
	mqttopts_release(&a.mqtt);
	return program_end(&set, &answer, &err);
}
