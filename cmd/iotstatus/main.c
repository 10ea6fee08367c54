/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/program.h"
#include "model/topic_set.h"
#include "ws/ws_proxy.h"
#include "iotstatus/check.h"
#include "iotstatus/print/print.h"
#include "iotstatus/state_file.h"
#include "iotstatus/watch/watch.h"

/* When the broker is asked, and when EMQX is. */
#define MQTT_ASKED "source=mqtt|verify=mqtt|watch"
#define EMQX_ASKED "source=emqx|verify=emqx"

static const struct opt opts[] = {
    OPT_LIST(struct options, warning, 'w', "warning", "RANGE",
	N_("WARNING when the percentage online is outside, such as 90: or esp32=80:")),
    OPT_LIST(struct options, critical, 'c', "critical", "RANGE",
	N_("CRITICAL when the percentage online is outside, such as 75:")),
    OPT_ENUM(struct options, source, 0, "source", "SOURCE", SOURCE_CHOICES,
	N_("who is asked: the REST API, the MQTT broker, EMQX's management API"),
	.key = "status_source", .preset = "api"),
    OPT_ENUM(struct options, verify, 0, "verify", "SOURCE", VERIFY_CHOICES,
	N_("ask this source, too, and tell where it differs from the API"),
	.preset = "none"),
    OPT_TIME(struct options, max_age, 0, "max-age", "TIME",
	N_("online without a sign of life for so long is stale: WARNING at least")),
    OPT_TIME(struct options, wait, 0, "wait", "TIME",
	N_("collect MQTT messages for so long, instead of until it is quiet"),
	.needs = MQTT_ASKED),
    OPT_ENUM(struct options, by, 0, "by", "FIELD", BY_CHOICES,
	N_("a line a group, each with its own thresholds"), .preset = "none"),
    OPT_ENUM(struct options, list, 0, "list", "STATE", LIST_CHOICES,
	N_("print the devices in this state instead, one a line")),
    OPT_ENUM(struct options, on_empty, 0, "on-empty", "STATE", STATE_CHOICES,
	N_("the state of a fleet without devices"), .preset = "unknown"),
    OPT_ENUM(struct options, on_error, 0, "on-error", "STATE", ERROR_CHOICES,
	N_("the state when it cannot be found out"),
	.value = N_("auto: critical when unreachable, else unknown")),
    OPT_ENUM(struct options, format, 'o', "format", "FORMAT", FORMAT_CHOICES,
	N_("what comes out"), .key = "status_format",
	.value = N_("auto: nagios with -w or -c, else text")),
    OPT_FLAG(struct options, watch, 0, "watch",
	N_("a live view; an operand is how often to poll where nothing is pushed")),
    OPT_FLAG(struct options, json, 0, "json", N_("the same as --format json")),
    OPT_FLAG(struct options, per_device, 0, "per-device",
	N_("with --format prometheus: also a series for each device"),
	.needs = "format=prometheus"),
    OPT_STR(struct options, write, 0, "write", "FILE",
	N_("write into this file, at once, instead of standard output"),
	.flags = OPT_FILE),
    OPT_STR(struct options, state, 0, "state", "FILE",
	N_("remember the state here; speak and fail only when it changes"),
	.flags = OPT_FILE),
    OPT_STR(struct options, emqx_url, 0, "emqx-url", "URL",
	N_("where EMQX's management API is"), .key = "emqx_url", .env = "IOT_EMQX_URL",
	.value = "http://localhost:18083", .needs = EMQX_ASKED),
    OPT_STR(struct options, emqx_key_file, 0, "emqx-key-file", "FILE",
	N_("file with its API key as KEY:SECRET, mode 0600"), .key = "emqx_key_file",
	.env = "IOT_EMQX_KEY_FILE", .flags = OPT_FILE, .needs = EMQX_ASKED),
    OPT_API(struct options, api),
    OPT_MQTT_LONG(struct options, mqtt, .needs = MQTT_ASKED),
    OPT_TOPICS(struct options, topics),
    OPT_COMMON_PLUGIN(struct options, common),
    OPT_END,
};

static const struct program iotstatus = {
    .name = "iotstatus",
    .section = 1,
    .brief = N_("percentage of devices online, as a monitoring plugin"),
    .usage = (const char *const[]){"[options] [-w RANGE] [-c RANGE] [--by FIELD]",
	"[options] --list STATE", "[options] --watch [TIME]", NULL},
    .examples = (const char *const[]){"iotstatus", "iotstatus -w 90: -c 75:",
	"iotstatus --verify mqtt --max-age 10m", "iotstatus --list offline",
	N_("iotstatus -q -c 75: --state fleet.state    # in cron: speaks only of change"),
	"iotstatus --watch 2s", NULL},
    .opts = opts,
    .usage_status = STATE_UNKNOWN,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

struct run {
	struct options *args;
	struct device_check check;
	enum format format;
	enum state state;
	bool silent; /* --state: this was told before */
	bool news;   /* and this was not: `last` is what was told before */
	struct state_file last;
	struct buf out;
};

static enum format
format_of(const struct options *a)
{
	if (a->json)
		return FORMAT_JSON;
	if (a->format != FORMAT_AUTO)
		return (enum format)a->format;
	return a->warning.n + a->critical.n > 0 ? FORMAT_NAGIOS : FORMAT_TEXT;
}

static void
print_report(struct run *k)
{
	static void (*const printers[])(struct buf *, const struct report *) = {
	    [FORMAT_TEXT] = print_text,
	    [FORMAT_NAGIOS] = print_nagios,
	    [FORMAT_JSON] = print_json,
	};

	if (k->args->list != 0)
		check_list(&k->check, k->format, &k->out);
	else if (k->format == FORMAT_PROMETHEUS)
		print_prometheus(
		    &k->out, &k->check.report, (double)clock_wall_us() / 1e6);
	else
		printers[k->format](&k->out, &k->check.report);
}

/* From the file that is about to be replaced; 0 if it does not say. */
static double
last_success(const char *path)
{
	static const char name[] = "\niot_status_last_success_timestamp_seconds ";
	struct buf old = {0};
	const char *at = NULL;
	double when = 0;

	if (path != NULL && file_read(path, 16 << 20, &old, NULL) == 0)
		at = strstr(buf_str(&old), name);
	if (at != NULL)
		when = strtod(at + sizeof(name) - 1, NULL);
	buf_release(&old);
	return when;
}

/* An unreachable API means that nobody watches the fleet; all else is a doubt. */
static enum state
state_of_trouble(const struct options *a, const struct err *why)
{
	if (why->code == ERR_USAGE)
		return STATE_UNKNOWN;
	if (a->on_error != 0)
		return (enum state)(a->on_error - 1);
	return why->code == ERR_UNREACHABLE || why->code == ERR_TIMEOUT ? STATE_CRITICAL
									: STATE_UNKNOWN;
}

/* A monitoring system reads standard output only, and so a wrong option would pass for a plugin that says nothing.
 * People see the line either way; a list of devices is for programs that would take it for one. */
static bool
is_plugin_usage(const struct run *k, const struct err *why)
{
	return why->code == ERR_USAGE && k->format == FORMAT_TEXT &&
	    k->args->format == FORMAT_AUTO && k->args->list == 0 &&
	    !isatty(STDOUT_FILENO);
}

/* In the plugin's own format the reason is the output; who reads JSON or metrics finds it there, and people on
 * standard error. */
static void
print_reason(struct run *k, struct err *why)
{
	if (is_plugin_usage(k, why))
		k->format = FORMAT_NAGIOS;
	if (k->format == FORMAT_JSON && k->args->list == 0)
		print_json_trouble(&k->out, k->state, why->text);
	if (k->format == FORMAT_PROMETHEUS)
		print_prometheus_trouble(&k->out,
		    (double)(clock_wall_us() - k->check.started) / 1e6,
		    last_success(k->args->write));
	if (k->format != FORMAT_NAGIOS)
		return;
	print_trouble(&k->out, k->state, why->text);
	*why = (struct err){0};
}

/* Speaks and fails only of change: what was told before is no news, and its end is told once. */
static int
remember(struct run *k, bool trouble, struct err *err)
{
	struct state_file last,
	    now = {.state = k->state,
		.trouble = trouble,
		.since = clock_wall_us() / 1000000};

	if (state_file_read(k->args->state, &last, err))
		return -1;
	if (last.state == now.state && last.trouble == now.trouble && last.since != 0) {
		k->silent = true;
		k->state = STATE_OK;
		return 0;
	}
	if (now.state != STATE_OK)
		now.bad = last.bad != 0 ? last.bad : now.since;
	if (state_file_write(k->args->state, &now, err))
		return -1;
	k->last = last;
	k->news = true;
	k->silent = last.state == STATE_OK && now.state == STATE_OK;
	if (last.state != STATE_OK && now.state == STATE_OK)
		k->check.report.recovered = now.since - last.bad;
	return 0;
}

/* Nothing to say: all is well and --quiet, or told before. Metrics are for a machine that counts on
 * them. */
static bool
is_silent(const struct run *k)
{
	bool quiet = k->args->common.quiet && k->state == STATE_OK &&
	    k->check.report.recovered < 0 && k->args->list == 0;

	return k->format != FORMAT_PROMETHEUS && (k->silent || quiet);
}

/* --watch takes one, and none is needed. */
static int
read_operands(struct options *a, int count, char **operand, struct err *err)
{
	a->every = 5000;
	if (a->watch && count == 1) {
		if (text_duration(operand[0], "--watch", &a->every, err))
			return -1;
		if (a->every < 100)
			return err_set(err, ERR_USAGE,
			    _("--watch: '%s' is too often: 100ms at least"), operand[0]);
		return 0;
	}
	if (count == 0)
		return 0;
	return err_set(err, ERR_USAGE, _("unexpected operand '%s'"), operand[a->watch]);
}

static void
run(struct run *k, int operands, char **operand, struct err *err)
{
	struct options *a = k->args;
	struct err why = {0};
	bool failed;

	k->format = format_of(a);
	if (k->format == FORMAT_JSON)
		text_translate(false); /* its "error" is for programs */
	failed =
	    read_operands(a, operands, operand, err) || check_prepare(&k->check, err);
	if (!failed && a->watch) {
		failed = watch_run(&k->check, k->format, err);
		k->state = failed ? state_of_trouble(a, err) : STATE_OK;
		return;
	}
	failed = failed || check_run(&k->check, err);
	k->state = failed ? state_of_trouble(a, err) : k->check.report.state;
	if (a->state != NULL && err->code != ERR_USAGE && remember(k, failed, &why)) {
		/* A state file in trouble must not hide a fleet in trouble. */
		if (k->state == STATE_OK) {
			failed = true;
			*err = why;
			k->state = STATE_UNKNOWN;
		} else if (!failed) {
			*err = why;
			err->code = ERR_FAILED; /* it is no matter of the output */
		}
	}
	if (is_silent(k))
		*err = (struct err){0};
	else if (failed)
		print_reason(k, err);
	else
		print_report(k);
	if (k->silent)
		*err = (struct err){0};
}

/* What stands behind the error of a command line says, too, what comes out and where. */
static void
read_rest(struct opt_set *set, int argc, char **argv, int first)
{
	while (first < argc) {
		struct err again = {0};
		int next;

		if (opt_parse(set, argc - first + 1, argv + first - 1, &next, &again) ==
		    0)
			return;
		first += next > 1 ? next - 1 : 1;
	}
}

/* Where it goes; what fails here is told all the same. */
static int
deliver(struct run *k, struct err *err)
{
	struct err why = {0};

	if (k->args->write == NULL || k->out.n == 0) {
		if (fwrite(k->out.p, 1, k->out.n, stdout) == k->out.n &&
		    fflush(stdout) == 0)
			return 0;
		/* A reader who leaves is no error. */
		if (errno == EPIPE)
			clearerr(stdout);
		else
			err_sys(err, ERR_OUTPUT, _("cannot write to standard output"));
		return -1;
	}
	if (file_write(k->args->write, buf_as_span(&k->out), 0644, &why) == 0)
		return 0;
	k->state = STATE_UNKNOWN;
	if (err->code == ERR_OK)
		*err = why;
	return -1;
}

/* What could not be told is told by the next run. */
static void
finish(struct run *k, struct err *err)
{
	struct err why = {0};

	if (deliver(k, err) != 0 && k->news &&
	    state_file_write(k->args->state, &k->last, &why) != 0)
		log_warn("%s", why.text);
}

int
main(int argc, char **argv)
{
	struct options a = {0};
	struct opt_set set;
	struct run k = {.args = &a,
	    .check = {.args = &a, .set = &set, .report = {.recovered = -1}},
	    .state = STATE_UNKNOWN};
	struct buf answer = {0};
	struct err err = {0};
	int first, status;

	if (program_start(
		&set, &iotstatus, &a, &a.common, argc, argv, &first, &answer, &err)) {
		read_rest(&set, argc, argv, first);
		k.check.started = clock_wall_us();
		k.format = format_of(&a);
		print_reason(&k, &err);
	} else if (answer.n == 0) {
		run(&k, argc - first, argv + first, &err);
	}
	finish(&k, &err);
	check_release(&k.check);
	buf_release(&k.out);
	status = program_end(&set, &answer, &err);
	return status != 0 && err.code == ERR_OUTPUT ? STATE_UNKNOWN : (int)k.state;
}
