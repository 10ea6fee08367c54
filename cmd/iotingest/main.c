/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/program.h"
#include "model/topic_set.h"
#include "ws/ws_proxy.h"
#include "iotingest/from_platform.h"
#include "iotingest/run.h"
#include "iotingest/sink.h"

/* A kept session waits this long for its consumer, in seconds. */
enum { SESSION_EXPIRY = 86400, SINK_BATCH = 1000 };

static const struct opt opts[] = {
    OPT_GROUP(N_("What comes in")),
    OPT_LIST(struct args, templates, 't', "topic", "FILTER",
	N_("subscribe to this filter or template; again for more"),
	.value = N_("the data template")),
    OPT_FLAG(struct args, from_platform, 0, "from-platform",
	N_("ask iotctl for the topics that devices publish to, and for the broker")),
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2,
	N_("quality of service to ask for"), .preset = "1"),
    OPT_ENUM(struct args, retained, 0, "retained", "WHICH", RETAINED_CHOICES,
	N_("whether messages that the broker kept count"), .preset = "keep"),
    OPT_FLAG(struct args, strict, 0, "strict",
	N_("reject a payload that names another device than its topic")),
    OPT_INT(
	struct args, count, 'C', "count", "N", 1, 1000000000, N_("end after N messages")),
    OPT_TIME(
	struct args, wait, 'W', "wait", "TIME", N_("end after TIME, with status 27")),

    OPT_GROUP(N_("What comes out")),
    OPT_FLAG(struct args, readings, 0, "readings", N_("one line for each sensor value")),
    OPT_READINGS(struct args, keys, .needs = "readings"),
    OPT_ENUM(struct args, form, 0, "format", "FORMAT", FORMAT_CHOICES,
	N_("JSON lines, or rows for databases"), .preset = "ndjson"),
    OPT_STR(struct args, columns, 0, "columns", "A,B,...",
	N_("the columns of rows, separated by commas")),
    OPT_FLAG(
	struct args, header, 0, "header", N_("begin rows with the names of the columns")),
    OPT_STR(struct args, format, 'F', NULL, "FORMAT",
	N_("a line as mosquitto_sub's -F makes it, such as '%t %p'")),
    OPT_STR(struct args, append, 0, "append", "FILE",
	N_("append lines to this file instead, also after it was rotated"),
	.flags = OPT_FILE, .value = N_("standard output")),
    OPT_STR(struct args, rejects, 0, "rejects", "FILE",
	N_("append what cannot be a line to this file"), .flags = OPT_FILE,
	.value = N_("standard error")),
    OPT_FLAG(struct args, no_sync, 0, "no-sync",
	N_("call lines in a file safe before they are on the disk")),

    OPT_GROUP(N_("Batches")),
    OPT_STR(struct args, sink, 0, "sink", "COMMAND",
	N_("store each batch with this shell command: safe when it exits with 0")),
    OPT_INT(struct args, sink_retries, 0, "sink-retries", "N", 0, 1000000,
	N_("end when a batch has failed so many times more"), .value = N_("for ever"),
	.needs = "sink"),
    OPT_INT(struct args, batch, 0, "batch", "N", 1, 1000000,
	N_("messages of a batch at most"), .value = N_("1000 with --sink")),
    OPT_INT(struct args, linger, 0, "linger", "MS", 0, 3600000,
	N_("wait so many milliseconds for a batch to fill"), .preset = "0"),

    OPT_GROUP(N_("The session")),
    OPT_STR(struct args, durable, 0, "durable", "NAME",
	N_("keep the session under this name: what comes while it is away waits")),
    OPT_STR(struct args, group, 0, "group", "NAME",
	N_("share the messages with the others of this group; needs -i or --durable")),
    OPT_TIME(struct args, session_expiry, 0, "session-expiry", "TIME",
	N_("how long a kept session waits; with --group and EMQX: 10s"), .value = "1d",
	.needs = "durable|group"),
    OPT_INT(struct args, receive_maximum, 0, "receive-maximum", "N", 1, 65535,
	N_("messages on the way that are not acknowledged yet, at most"),
	.preset = "1000"),
    OPT_SIZE(struct args, max_packet, 0, "max-packet", "SIZE", 1024, 268435455,
	N_("reject larger messages, without taking memory for them"), .preset = "1M"),
    OPT_FLAG(struct args, announce_max_packet, 0, "announce-max-packet",
	N_("let the broker drop them instead, silently")),

    OPT_GROUP(N_("Numbers")),
    OPT_TIME(struct args, stats, 0, "stats", "TIME",
	N_("print the counters on standard error every so often")),
    OPT_STR(struct args, metrics, 0, "metrics", "FILE",
	N_("keep them in this file for Prometheus' textfile collector"),
	.flags = OPT_FILE),
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
	(const char *const[]){"[options] [-t FILTER|TEMPLATE]... [--readings] "
			      "[--sink COMMAND] [--durable NAME | --group NAME -i ID]",
	    NULL},
    .examples = (const char *const[]){"iotingest --readings | jq .value",
	"iotingest --durable archive --append day.ndjson",
	"iotingest -t 'iot/devices/{device_id}/status' -C 10",
	"iotingest --durable db --sink 'gzip >>day.ndjson.gz' --linger 1000", NULL},
    .opts = opts,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

static bool
is_kept(const struct args *a)
{
	return a->durable != NULL || a->group != NULL;
}

static int
check_session(const struct args *a, struct err *err)
{
	if (a->durable != NULL && a->mqtt.id != NULL)
		return err_set(
		    err, ERR_USAGE, _("--durable names the client id: leave out --id"));
	if (a->durable != NULL && topic_check_id(span_of(a->durable), "--durable", err))
		return -1;
	if (a->group != NULL && topic_check_id(span_of(a->group), "--group", err))
		return -1;
	if (a->group != NULL && a->durable == NULL && a->mqtt.id == NULL)
		return err_set(err, ERR_USAGE,
		    _("--group keeps a session for each of its members: name this one "
		      "with "
		      "-i ID or --durable ID"));
	if (a->session_expiry == 0 && a->group != NULL)
		return 0;
	if (a->session_expiry >= 0 && a->session_expiry < 1000)
		return err_set(err, ERR_USAGE,
		    _("--session-expiry: a session that is kept waits for 1s at least, "
		      "one of --group may wait for 0"));
	return 0;
}

static int
check_form(const struct args *a, struct err *err)
{
	if (a->from_platform && a->templates.n > 0)
		return err_set(err, ERR_USAGE,
		    _("--from-platform and -t ('%s') both say what to subscribe to: give "
		      "one"),
		    a->templates.v[0]);
	if (a->format != NULL && (a->readings || a->form != FORMAT_NDJSON || a->strict))
		return err_set(err, ERR_USAGE,
		    _("-F makes lines of its own: leave out --readings, --format and "
		      "--strict"));
	if ((a->columns != NULL || a->header) && a->form == FORMAT_NDJSON)
		return err_set(err, ERR_USAGE,
		    _("--columns and --header are for rows: --format csv or tsv"));
	if (a->sink != NULL && a->sink[strspn(a->sink, " \t\n")] == '\0')
		return err_set(err, ERR_USAGE,
		    _("--sink: the command is empty: it would store nothing, and "
		      "succeed"));
	if (a->sink != NULL && a->append != NULL)
		return err_set(err, ERR_USAGE,
		    _("--sink and --append both say where lines go: give one"));
	return 0;
}

static int
check_version(const struct args *a, const struct session_opts *session, struct err *err)
{
	if (session->version == 4 && a->session_expiry >= 0)
		return err_set(err, ERR_USAGE,
		    _("--session-expiry needs MQTT 5: before, the broker decides"));
	if (session->version == 4 && a->announce_max_packet)
		return err_set(err, ERR_USAGE, _("--announce-max-packet needs MQTT 5"));
	return 0;
}

/* What the platform says about its broker counts where nothing else does. */
static int
ask_platform(struct args *a, struct from_platform *p, struct session_opts *session,
    struct err *err)
{
	const struct broker_address *b = &p->broker;

	if (from_platform_ask(p, a, err))
		return -1;
	if (b->host == NULL)
		return 0;
	strv_add(&a->mqtt.hosts, b->host);
	a->mqtt.port = b->port;
	if (a->mqtt.username == NULL && b->username != NULL &&
	    (a->mqtt.password != NULL || a->mqtt.password_file != NULL))
		a->mqtt.username = xstrdup(b->username);
	session->ca_pem = b->ca_pem;
	return 0;
}

static void
fill_session(
    const struct args *a, const struct from_platform *p, struct session_opts *session)
{
	session->tls = session->tls || p->broker.tls;
	if (p->broker.ws_path != NULL)
		session->ws_path = p->broker.ws_path;
	if (session->cafile != NULL || session->capath != NULL)
		session->ca_pem = NULL;
	session->receive_maximum = a->receive_maximum;
	session->max_packet = (uint32_t)a->max_packet;
	session->announce_max_packet = a->announce_max_packet;
	session->clean = !is_kept(a);
	if (a->durable != NULL)
		session->client_id = a->durable;
	if (is_kept(a))
		session->session_expiry =
		    a->session_expiry >= 0 ? a->session_expiry / 1000 : SESSION_EXPIRY;
}

static int
run(struct args *a, const struct opt_set *set, struct from_platform *p, char **operand,
    struct err *err)
{
	struct session_opts session = {0};

	if (operand[0] != NULL)
		return err_set(err, ERR_USAGE,
		    _("unexpected operand '%s'; filters are given with -t"), operand[0]);
	if (check_session(a, err) || check_form(a, err) ||
	    (a->from_platform && ask_platform(a, p, &session, err)) ||
	    mqtt_options_resolve(&a->mqtt, set, &session, err) ||
	    check_version(a, &session, err))
		return -1;
	if (a->batch == 0 && a->sink != NULL)
		a->batch = SINK_BATCH;
	fill_session(a, p, &session);
	return run_ingest(a, &session, &p->topics, err);
}

int
main(int argc, char **argv)
{
	struct args a = {.sink_retries = SINK_FOR_EVER, .session_expiry = -1, .wait = -1};
	struct from_platform platform = {0};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	int first;

	if (program_start(&set, &iotingest, &a, &a.common, argc, argv, &first, &answer,
		&err) == 0 &&
	    answer.n == 0)
		run(&a, &set, &platform, argv + first, &err);
	mqtt_options_release(&a.mqtt);
	from_platform_release(&platform);
	return program_end(&set, &answer, &err);
}
