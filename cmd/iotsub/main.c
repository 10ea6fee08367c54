/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/program.h"
#include "model/topic_set.h"
#include "msg/message_format.h"
#include "ws/ws_proxy.h"
#include "iotsub/sub.h"

enum { SESSION_EXPIRY = 24 * 3600 }; /* seconds */

/* MQTT 5, 3.8.3.1: in a kept session retained messages come when a filter is new, not at each start. */
enum { RETAIN_SEND = 0, RETAIN_ONCE = 1 };

static const struct opt opts[] = {
    OPT_GROUP(N_("What to receive")),
    OPT_LIST(struct args, filters, 't', "topic", "FILTER",
	N_("messages that match this; may be repeated")),
    OPT_LIST(struct args, without, 'T', "filter-out", "FILTER",
	N_("but not those that match this; may be repeated")),
    OPT_LIST(struct args, unsubscribe, 'U', "unsubscribe", "FILTER",
	N_("give this filter of a kept session up; may be repeated")),
    OPT_FLAG(struct args, no_retained, 'R', "no-retained",
	N_("no retained messages of earlier times")),
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2,
	N_("quality of service: 0, 1 or 2; commands of a DEVICE at most 1"),
	.value = N_("1 for a DEVICE, else 0")),
    OPT_INT(
	struct args, count, 'C', "count", "N", 1, INT32_MAX, N_("end after N messages")),
    OPT_TIME(
	struct args, wait, 'W', "wait", "TIME", N_("end after TIME, with status 27")),
    OPT_FLAG(struct args, keep_session, 'c', "keep-session",
	N_("the broker keeps messages while we are away; needs -i or a DEVICE")),
    OPT_FLAG(struct args, keep_session, 0, "durable", N_("the same as --keep-session")),
    OPT_FLAG(struct args, keep_session, 0, "disable-clean-session",
	N_("the same as --keep-session")),
    OPT_TIME(struct args, session_expiry, 0, "session-expiry", "TIME",
	N_("how long the broker keeps it"), .value = "1d", .needs = "keep-session"),
    OPT_FLAG(struct args, retained_only, 0, "retained-only",
	N_("only retained messages; the first other one ends it")),
    OPT_SIZE(struct args, max_packet, 0, "max-packet", "SIZE", 1024, 268435455,
	N_("leave out larger messages, without taking memory for them"), .preset = "1M"),
    OPT_GROUP(N_("Commands")),
    OPT_REST(struct args, exec, 0, "exec", "CMD ARG...",
	N_("run this for each command and answer with what it prints; it ends the "
	   "options")),
    OPT_STR(struct args, reply, 0, "reply", "JSON", N_("answer each command with this")),
    OPT_TIME(struct args, exec_timeout, 0, "exec-timeout", "TIME",
	N_("how long --exec may take"), .preset = "30s", .needs = "exec"),
    OPT_INT(struct args, jobs, 0, "jobs", "N", 1, 1024, N_("how many run at once"),
	.preset = "4", .needs = "exec"),
    OPT_GROUP(N_("How to show it")),
    OPT_FLAG(struct args, show_topic, 'v', "show-topic",
	N_("the topic in front of each payload")),
    OPT_STR(struct args, format, 'F', "format", "FORMAT",
	N_("json, or mosquitto_sub's letters: %t topic, %p payload, %q QoS ...")),
    OPT_FLAG(struct args, json, 0, "json", N_("one JSON object a line: --format json")),
    OPT_FLAG(struct args, bare, 'N', "no-newline", N_("no newline behind a payload")),
    OPT_MQTT(struct args, mqtt),
    OPT_STR(struct args, credentials, 0, "credentials", "FILE",
	N_("CSV file with the devices' client ids and logins, mode 0600"),
	.key = "credentials", .env = "IOT_CREDENTIALS", .flags = OPT_FILE),
    OPT_TOPICS(struct args, topics),
    OPT_COMMON_MQTT(struct args, common),
    OPT_COUNT(struct args, common.verbose, 'd', NULL, N_("same as --verbose")),
    OPT_END,
};

static const char *const usage[] = {
    "[options] DEVICE... [--reply JSON | --exec CMD ARG...]", "[options] -t FILTER...",
    NULL};
static const char *const examples[] = {
    N_("iotsub RPI_001                      commands sent to this device"),
    "iotsub RPI_001 --durable --exec ./on-command",
    N_("iotsub -v -t 'iot/sensors/#'        readings of all devices, with their topics"),
    "iotsub --json -t 'iot/#' | jq .topic",
    "iotsub -C 1 -W 10s -t 'iot/devices/RPI_001/status'",
    NULL,
};

static const struct program iotsub = {
    .name = "iotsub",
    .section = 1,
    .brief = N_("receive commands of devices, or any messages"),
    .usage = usage,
    .examples = examples,
    .opts = opts,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

static int
add_filters(struct sub *s, struct session_opts opt, struct err *err)
{
	const struct strv *list = &s->args->filters;
	const struct strv *old = &s->args->unsubscribe;
	struct consumer_filter *filters = xcalloc(list->n + old->n, sizeof(*filters));
	int qos = s->args->qos < 0 ? 0 : s->args->qos;
	size_t i;
	int failed = 0;

	if (s->args->keep_session && opt.client_id == NULL)
		failed = err_set(
		    err, ERR_USAGE, _("-c needs a client id: -i ID, the same each time"));
	for (i = 0; i < list->n; i++)
		filters[i] = (struct consumer_filter){list->v[i], .qos = qos,
		    .retain_handling =
			s->args->retained_only ? RETAIN_SEND : RETAIN_ONCE};
	for (i = 0; i < old->n; i++)
		filters[list->n + i] =
		    (struct consumer_filter){old->v[i], .unsubscribe = true};
	failed = failed || sub_add(s, &opt, filters, list->n + old->n, err);
	free(filters);
	return failed ? -1 : 0;
}

static int
choose_output(struct sub *s, struct err *err)
{
	const char *format = s->args->format;

	s->output.json = s->args->json || (format != NULL && strcmp(format, "json") == 0);
	s->output.topic = s->args->show_topic;
	s->output.bare = s->args->bare;
	s->output.topics = &s->topics;
	if (!s->output.json && format != NULL &&
	    message_format_compile(&s->format, format, err))
		return -1;
	s->output.format = s->format;
	return 0;
}

static int
check_without(const struct args *a, struct err *err)
{
	size_t i;

	for (i = 0; i < a->without.n; i++) {
		if (topic_check_filter(a->without.v[i], err))
			return err_in(err, "-T");
	}
	return 0;
}

/* What cannot be given together. */
static int
check_together(const struct args *a, const struct opt_set *set, struct err *err)
{
	const bool obeys = a->exec.n > 0 || a->reply != NULL;

	if (a->exec.n > 0 && a->reply != NULL)
		return err_set(err, ERR_USAGE, _("give one of --exec and --reply"));
	if (obeys && a->filters.n > 0)
		return err_set(err, ERR_USAGE,
		    _("--exec and --reply are for commands of devices, not for -t"));
	if (a->filters.n > 0 &&
	    opt_source_of(set, offsetof(struct args, credentials)) == OPT_FROM_ARGV)
		return err_set(
		    err, ERR_USAGE, _("--credentials is for devices, not for -t"));
	if (a->unsubscribe.n > 0 && a->filters.n == 0)
		return err_set(err, ERR_USAGE, _("-U needs -t"));
	if (a->no_retained && a->retained_only)
		return err_set(
		    err, ERR_USAGE, _("-R and --retained-only leave nothing to show"));
	return 0;
}

static int
check_session(const struct args *a, const struct session_opts *opt, struct err *err)
{
	if (a->session_expiry < 0)
		return 0;
	if (a->session_expiry < 1000)
		return err_set(err, ERR_USAGE,
		    _("--session-expiry: a session that is kept waits for 1s at least"));
	if (opt->version == 4)
		return err_set(err, ERR_USAGE,
		    _("--session-expiry needs MQTT 5: before, the broker decides"));
	return 0;
}

static int
prepare(struct sub *s, struct args *a, char **operands, struct err *err)
{
	struct session_opts opt = {.clean = !a->keep_session,
	    .session_expiry = !a->keep_session ? 0
		: a->session_expiry >= 0       ? a->session_expiry / 1000
					       : SESSION_EXPIRY,
	    .max_packet = (uint32_t)a->max_packet};

	if (mqtt_options_resolve(&a->mqtt, s->set, &opt, err))
		return -1;
	if (mqtt_options_topic(&a->mqtt) != NULL)
		strv_add(&a->filters, mqtt_options_topic(&a->mqtt));
	if ((operands[0] == NULL) == (a->filters.n == 0))
		return err_set(err, ERR_USAGE,
		    operands[0] == NULL ? _("what to receive? give a DEVICE or -t FILTER")
					: _("'%s': give either devices or -t FILTER"),
		    operands[0]);
	if (check_together(a, s->set, err))
		return -1;
	s->wanted = a->count > 0 ? (size_t)a->count : SIZE_MAX;
	if (topic_set_compile(&s->topics, &a->topics, err) || choose_output(s, err) ||
	    check_without(a, err) || check_session(a, &opt, err))
		return -1;
	s->loop = loop_new(err);
	if (s->loop == NULL || sub_open_output(s, err))
		return -1;
	return a->filters.n > 0 ? add_filters(s, opt, err)
				: sub_add_devices(s, operands, &opt, err);
}

int
main(int argc, char **argv)
{
	struct args a = {.qos = -1, .session_expiry = -1, .mqtt.takes_topic = true};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	struct sub s = {.args = &a, .set = &set, .err = &err};
	int first;

	if (program_start(
		&set, &iotsub, &a, &a.common, argc, argv, &first, &answer, &err) == 0 &&
	    answer.n == 0 && prepare(&s, &a, argv + first, &err) == 0)
		sub_run(&s, &err);
	sub_release(&s);
	mqtt_options_release(&a.mqtt);
	return program_end(&set, &answer, &err);
}
