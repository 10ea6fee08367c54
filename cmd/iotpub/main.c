/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/program.h"
#include "model/topic_set.h"
#include "ws/ws_proxy.h"
#include "iotpub/iotpub.h"
#include "iotpub/raw/property.h"
#include "iotpub/raw/publish.h"
#include "iotpub/sim/sim.h"

static const struct opt opts[] = {
    OPT_GROUP(N_("As devices")),
    OPT_TIME(struct args, interval, 0, "interval", "TIME",
	N_("time between two readings of a device"), .preset = "60s"),
    OPT_TIME(struct args, jitter, 0, "jitter", "TIME",
	N_("delay each reading by a random time up to this"), .preset = "0s"),
    OPT_INT(struct args, count, 'C', "count", "N", 1, 2147483647,
	N_("end after this many readings of each device")),
    OPT_TIME(struct args, duration, 0, "duration", "TIME", N_("end after this time")),
    OPT_STR(struct args, payload, 0, "payload", "nested|flat|FILE",
	N_("shape of the readings: the Raspberry Pi's, the ESP32's, or a template's"),
	.value = "nested", .flags = OPT_FILE),
    OPT_INT(struct args, seed, 0, "seed", "N", 1, 2147483647,
	N_("make the same bytes as every run with this number")),
    OPT_INT(struct args, devices, 0, "devices", "N", 1, 1000000,
	N_("act as this many devices, numbered from 1")),
    OPT_STR(struct args, id_format, 0, "id-format", "FORMAT",
	N_("their ids, with a %d for the number"), .value = "DEV_%04d",
	.needs = "devices"),
    OPT_FLAG(struct args, from_platform, 0, "from-platform",
	N_("devices, their broker, topics, intervals and sensors as the platform has "
	   "them, from iotctl")),
    OPT_TIME(struct args, refresh, 0, "refresh", "TIME",
	N_("ask the platform again, this often"), .needs = "from-platform"),
    OPT_INT(struct args, ramp, 0, "ramp", "RATE", 1, 1000000,
	N_("connect at most this many devices a second")),
    OPT_FLAG(struct args, yes, 0, "yes",
	N_("do not ask whether a large load is meant for this broker")),
    OPT_LIST(struct args, faults, 0, "fault", "NAME=P",
	N_("do wrong at this rate: drop, flap, late, garbage, wrong-id, duplicate"),
	.flags = OPT_COMMAS),
    OPT_FLAG(struct args, verify, 0, "verify",
	N_("receive what is published too, and tell what was lost and how long it took")),
    OPT_FLAG(struct args, histogram, 0, "histogram",
	N_("print how long they took, in twelve rows"), .needs = "verify"),
    OPT_TIME(struct args, max_p99, 0, "max-p99", "TIME",
	N_("fail if one message in a hundred takes longer"), .needs = "verify"),
    OPT_INT(struct args, max_lost, 0, "max-lost", "N", 0, 2147483647,
	N_("fail if more messages are lost"), .needs = "verify"),
    OPT_TIME(struct args, stats, 0, "stats", "TIME",
	N_("a line of numbers as JSON on standard error, this often")),
    OPT_FLAG(struct args, no_status, 0, "no-status",
	N_("publish no status and leave no will")),
    OPT_FLAG(struct args, keep_status, 0, "keep-status",
	N_("leave the retained statuses of --devices behind"), .needs = "devices"),
    OPT_FLAG(struct args, takeover, 0, "takeover",
	N_("replace a device that is connected already")),
    OPT_STR(struct args, credentials, 0, "credentials", "FILE",
	N_("CSV file with the devices' client ids and logins, mode 0600"),
	.key = "credentials", .env = "IOT_CREDENTIALS", .flags = OPT_FILE),
    OPT_FLAG(struct args, listen, 0, "listen",
	N_("receive the devices' commands and print them as message lines")),
    OPT_REST(struct args, exec, 0, "exec", "CMD ARG...",
	N_("run this for each command and answer with what it prints; it ends the "
	   "options"),
	.needs = "listen"),
    OPT_STR(struct args, reply, 0, "reply", "JSON", N_("answer each command with this"),
	.needs = "listen"),
    OPT_TIME(struct args, exec_timeout, 0, "exec-timeout", "TIME",
	N_("how long it may take"), .preset = "30s", .needs = "exec"),
    OPT_INT(struct args, jobs, 0, "jobs", "N", 1, 1024, N_("how many run at once"),
	.preset = "4", .needs = "exec"),

    OPT_INT(struct args, max_queued, 0, "max-queued", "N", 1, 2147483647,
	N_("how many messages of all devices may wait for the broker"),
	.value = "100000"),

    OPT_GROUP(N_("Any message")),
    OPT_STR(struct args, topic, 't', "topic", "TOPIC", N_("publish to this topic")),
    OPT_STR(struct args, message, 'm', "message", "TEXT", N_("this text")),
    OPT_STR(struct args, file, 'f', "file", "FILE", N_("the contents of this file"),
	.flags = OPT_FILE),
    OPT_FLAG(
	struct args, lines, 'l', "stdin-line", N_("standard input, each line a message")),
    OPT_FLAG(struct args, json, 0, "json",
	N_("with -l: each line an object with \"topic\" and \"payload\""),
	.needs = "stdin-line"),
    OPT_STR(struct args, replay, 0, "replay", "FILE",
	N_("message lines of iotingest, each at its time; - is standard input"),
	.flags = OPT_FILE),
    OPT_STR(struct args, speed, 0, "speed", "X|max",
	N_("replay X times as fast, or as fast as the broker takes it"), .value = "1",
	.needs = "replay"),
    OPT_TIME(struct args, max_gap, 0, "max-gap", "TIME",
	N_("replay: a longer time between two lines is a clock that was set"),
	.value = "1d", .needs = "replay"),
    OPT_LIST(struct args, map, 0, "map-device", "OLD=NEW",
	N_("replay a device as another one; may be repeated"), .flags = OPT_COMMAS,
	.needs = "replay"),
    OPT_FLAG(
	struct args, whole_stdin, 's', "stdin-file", N_("standard input as one message")),
    OPT_FLAG(struct args, null, 'n', "null-message",
	N_("an empty message; with -r, forgets the retained one")),
    OPT_INT(struct args, repeat, 0, "repeat", "N", 1, 2147483647,
	N_("publish it this many times"), .preset = "1"),
    OPT_TIME(struct args, repeat_delay, 0, "repeat-delay", "TIME",
	N_("time between two of them"), .preset = "0s", .needs = "repeat"),
    OPT_LIST(struct args, properties, 'D', "property", "publish NAME VALUE",
	N_("a property of MQTT 5, in mosquitto_pub's words; may be repeated"),
	.more = property_words),
    OPT_STR(struct args, will_topic, 0, "will-topic", "TOPIC",
	N_("topic of a will, published when the connection breaks")),
    OPT_STR(struct args, will_payload, 0, "will-payload", "TEXT", N_("its payload"),
	.needs = "will-topic"),
    OPT_INT(struct args, will_qos, 0, "will-qos", "LEVEL", 0, 2, N_("its QoS"),
	.needs = "will-topic"),
    OPT_FLAG(struct args, will_retain, 0, "will-retain", N_("retain it"),
	.needs = "will-topic"),

    OPT_GROUP(N_("Publishing")),
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2, N_("quality of service"),
	.preset = "1"),
    OPT_FLAG(
	struct args, retain, 'r', "retain", N_("ask the broker to keep the message")),
    OPT_FLAG(struct args, keep_session, 'c', "disable-clean-session",
	N_("let the broker keep the session while disconnected")),
    OPT_TIME(struct args, drain, 0, "drain", "TIME",
	N_("how long to wait for acknowledgements at the end"), .preset = "30s"),
    OPT_MQTT(struct args, mqtt),
    OPT_TOPICS(struct args, topics),
    OPT_COMMON_MQTT(struct args, common),
    OPT_COUNT(struct args, common.verbose, 'd', NULL, N_("same as --verbose")),
    OPT_END,
};

static const char *const usage[] = {
    "[options] DEVICE... [SENSOR=VALUE | SENSOR=MODEL:ARGS]...",
    "[options] --devices N [SENSOR=...]...",
    "[options] --from-platform [DEVICE...]",
    "[options] --replay FILE",
    "[options] -t TOPIC {-m TEXT | -f FILE | -l | -s | -n}",
    "[options] -l --json",
    NULL,
};

static const char *const examples[] = {
    "iotpub RPI_001 temperature=21.50 humidity=uniform:40,60",
    "iotpub ESP32_001 --payload flat --count 1",
    "iotpub --devices 1000 temperature=walk:21,0.2 --interval 10s",
    "iotpub ESP32_001 --listen --exec ./fan",
    "iotpub --replay day.ndjson --speed 60 --map-device RPI_001=TEST_001",
    "iotpub -t iot/alerts/RPI_001 -q 2 -m '{\"smoke\":true}'",
    NULL,
};

static const struct program iotpub = {
    .name = "iotpub",
    .section = 1,
    .brief = N_("act as devices of the platform, or publish any MQTT message"),
    .usage = usage,
    .examples = examples,
    .opts = opts,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

static bool
has_raw_options(const struct args *a)
{
	return a->message != NULL || a->file != NULL || a->lines || a->whole_stdin ||
	    a->null || a->repeat != 1 || a->properties.n > 0 || a->will_topic != NULL ||
	    a->will_payload != NULL;
}

static bool
is_raw(const struct args *a)
{
	return a->topic != NULL || a->json || a->replay != NULL;
}

/* An option of argv from the first group, that of devices; NULL: none. */
static const char *
device_option(const struct opt_set *set)
{
	size_t i = 1;

	while (opts[i].type != OPT_TYPE_GROUP && set->origin[i].source != OPT_FROM_ARGV)
		i++;
	return opts[i].type != OPT_TYPE_GROUP ? set->origin[i].where : NULL;
}

/* What one publishes, or as whom: not both. */
static int
check_form(
    const struct args *a, const struct opt_set *set, char **operands, struct err *err)
{
	const char *form = a->replay != NULL ? "--replay" : a->json ? "--json" : "-t";

	if (is_raw(a) && (operands[0] != NULL || a->devices != 0 || a->from_platform))
		return err_set(err, ERR_USAGE,
		    _("%s publishes messages as they are; devices ('%s') have their own: "
		      "give one or the other"),
		    form,
		    operands[0] != NULL   ? operands[0]
			: a->devices != 0 ? "--devices"
					  : "--from-platform");
	if (is_raw(a) && a->max_queued != 0)
		return err_set(err, ERR_USAGE,
		    _("--max-queued is for devices: other messages wait where they come "
		      "from"));
	if (is_raw(a) && device_option(set) != NULL)
		return err_set(err, ERR_USAGE,
		    _("%s needs a device, and %s publishes as none"), device_option(set),
		    form);
	if (a->replay != NULL && (a->topic != NULL || has_raw_options(a)))
		return err_set(err, ERR_USAGE,
		    _("--replay has its messages from the file: -t and the like are "
		      "of no use"));
	if (!is_raw(a) && has_raw_options(a))
		return err_set(err, ERR_USAGE, _("a message needs a topic: -t TOPIC"));
	if (!is_raw(a) && operands[0] == NULL && a->devices == 0 && !a->from_platform)
		return err_set(err, ERR_USAGE,
		    _("name a device, or a topic with -t; see 'iotpub --help'"));
	return 0;
}

/* As other clients have it: -L mqtt://HOST/TOPIC. */
static int
take_url_topic(struct args *a, struct err *err)
{
	const char *topic = mqtt_options_topic(&a->mqtt);

	if (topic != NULL && a->topic != NULL)
		return err_set(err, ERR_USAGE,
		    _("two topics are given, -t '%s' and '%s' in the URL: give one"),
		    a->topic, topic);
	if (topic != NULL)
		a->topic = xstrdup(topic);
	return 0;
}

static int
run(struct args *a, const struct opt_set *set, char **operands, struct err *err)
{
	struct session_opts o = {.clean = !a->keep_session, .session_expiry = EXPIRY};

	if (mqtt_options_resolve(&a->mqtt, set, &o, err) || take_url_topic(a, err) ||
	    check_form(a, set, operands, err))
		return -1;
	if (a->max_queued == 0)
		a->max_queued = MAX_QUEUED;
	return is_raw(a) ? publish_run(a, set, &o, err)
			 : sim_run(a, set, &o, operands, err);
}

int
main(int argc, char **argv)
{
	struct args a = {.max_lost = -1, .max_gap = -1, .mqtt.takes_topic = true};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	int first;

	if (program_start(
		&set, &iotpub, &a, &a.common, argc, argv, &first, &answer, &err) == 0 &&
	    answer.n == 0) {
		log_never_wait();
		run(&a, &set, argv + first, &err);
	}
	mqtt_options_release(&a.mqtt);
	return program_end(&set, &answer, &err);
}
