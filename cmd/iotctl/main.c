/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iotctl: manages the platform over its REST API. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/strv.h"
#include "base/text.h"
#include "cli/program.h"
#include "model/topic_set.h"
#include "ws/ws_proxy.h"
#include "iotctl/command.h"
#include "iotctl/output/show.h"
#include "iotctl/run.h"
#include "iotctl/shell/complete.h"
#include "iotctl/shell/shell.h"

#define FORMATS "table|json|ndjson|csv|yaml|emqx|mosquitto|h|sh"
/* Commands that do several things at once, and those that speak to a broker's own API. */
#define WITH_JOBS                                                                        \
	"apply|device provision|RESOURCE get|RESOURCE set|RESOURCE delete|"              \
	"credential rotate"
#define WITH_DRIVER "broker sync|credential rotate|client list|client get|client kick"
/* ... and those that keep or show what stands in iot.conf, too. */
#define WITH_EMQX WITH_DRIVER "|login|config show"

static const struct opt opts[] = {
    OPT_GROUP(N_("Output")),
    OPT_ENUM(struct args, format, 'o', "format", "FORMAT", FORMATS, N_("what comes out"),
	.preset = "table"),
    OPT_FLAG(struct args, json, 0, "json", N_("the same as --format json")),
    OPT_LIST(struct args, columns, 0, "columns", "A,B,...", N_("show these fields"),
	.flags = OPT_COMMAS),
    OPT_FLAG(struct args, no_header, 0, "no-header", N_("no line of column names")),
    OPT_FLAG(struct args, show_secrets, 0, "show-secrets",
	N_("show secrets that the API sends")),
    OPT_GROUP(N_("Lists")),
    OPT_STR(struct args, search, 0, "search", "WORDS",
	N_("only what contains these words"), .of = "RESOURCE list"),
    OPT_STR(struct args, order, 0, "sort", "[-]FIELD",
	N_("in the order of this field; - downwards"), .of = "RESOURCE list"),
    OPT_STR(struct args, order, 0, "order", "[-]FIELD", N_("the same as --sort"),
	.flags = OPT_HIDDEN, .of = "RESOURCE list"),
    OPT_INT(struct args, limit, 0, "limit", "N", 1, 1000000000, N_("at most N of them"),
	.of = "RESOURCE list"),
    OPT_TIME(struct args, since, 0, "since", "TIME",
	N_("reading list: those of the last TIME, such as 1h"), .min = 1,
	.of = "reading list"),
    OPT_STR(struct args, device, 0, "device", "DEVICE",
	N_("reading list: those of this device"), .of = "reading list"),
    OPT_GROUP(N_("Changes")),
    OPT_FLAG(struct args, dry_run, 'n', "dry-run", N_("only show what would be sent")),
    OPT_FLAG(struct args, keep_going, 0, "keep-going",
	N_("commands from standard input: go on after one that failed"), .of = ""),
    OPT_FLAG(struct args, again, 0, "again",
	N_("reading import, rotate: from the beginning, whatever was done before"),
	.of = "reading import|credential rotate"),
    OPT_FLAG(struct args, server_time, 0, "accept-server-time",
	N_("reading import, create: take the API's own time for the one it ignores"),
	.of = "reading import|RESOURCE create"),
    OPT_FLAG(struct args, yes, 'y', "yes", N_("do not ask before deleting")),
    OPT_LIST(struct args, files, 'f', "file", "FILE",
	N_("apply, diff: what should be there, YAML or JSON"), .flags = OPT_FILE,
	.of = "apply|diff"),
    OPT_FLAG(struct args, allow_files, 0, "allow-files",
	N_("apply, diff: FIELD@file may name files anywhere"), .needs = "file",
	.of = "apply|diff"),
    OPT_FLAG(struct args, prune, 0, "prune",
	N_("apply, diff, broker sync: what is not named, or known, goes"),
	.of = "apply|diff|broker sync"),
    OPT_FLAG(struct args, prune_most, 0, "prune-most",
	N_("broker sync: as --prune, and more than half of its logins may go"),
	.of = "broker sync"),
    OPT_INT(struct args, jobs, 'j', "jobs", "N", 1, 64,
	N_("apply, provision, get, set, delete, rotate: so many at once"), .preset = "4",
	.of = WITH_JOBS),
    OPT_FLAG(struct args, all, 0, "all",
	N_("export: everything but readings; rotate: all devices of a broker"),
	.of = "export|credential rotate"),
    OPT_STR(struct args, secrets, 0, "secrets", "DIR",
	N_("export, device env: where files with secrets are, or will be"),
	.value = "secrets", .flags = OPT_DIR, .of = "export|device env"),
    OPT_STR(struct args, from, 0, "from", "FILE",
	N_("provision: read devices from this CSV or JSON file"), .flags = OPT_FILE,
	.of = "device provision"),
    OPT_LIST(struct args, ignored, 0, "ignore-columns", "A,B,...",
	N_("provision: leave these columns of the file out"), .flags = OPT_COMMAS,
	.needs = "from", .of = "device provision"),
    OPT_STR(struct args, credentials, 0, "credentials", "FILE",
	N_("where the passwords of devices are kept"), .key = "credentials",
	.env = "IOT_CREDENTIALS", .flags = OPT_FILE),
    OPT_FLAG(struct args, keep_credentials, 0, "keep-credentials",
	N_("device delete, apply --prune: leave the logins of devices in that file"),
	.of = "device delete|apply"),
    OPT_TIME(struct args, wait, 'W', "wait", "TIME",
	N_("device command: wait so long for the answer; rotate: for devices to come"),
	.of = "device command|credential rotate"),
    OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2,
	N_("device command, acl check: quality of service"), .preset = "2",
	.of = "device command|acl check"),
    OPT_LIST(struct args, services, 0, "service", "USER",
	N_("acl export, broker sync: a user that reads what devices publish and "
	   "commands them"),
	.of = "acl export|broker sync"),
    OPT_STR(struct args, deliver, 0, "deliver", "CMD",
	N_("rotate: what hands a device its password, from standard input"),
	.of = "credential rotate"),
    OPT_GROUP(N_("broker sync, client, credential rotate")),
    OPT_ENUM(struct args, driver, 0, "driver", "KIND", "files|dynsec|emqx",
	N_("what the broker is: mosquitto with files or dynamic security, EMQX"),
	.of = WITH_DRIVER),
    OPT_STR(struct args, emqx_url, 0, "emqx-url", "URL",
	N_("where EMQX's management API is"), .key = "emqx_url", .env = "IOT_EMQX_URL",
	.value = "http://localhost:18083", .needs = "driver=emqx|!driver",
	.of = WITH_EMQX),
    OPT_STR(struct args, emqx_key_file, 0, "emqx-key-file", "FILE",
	N_("file with its API key as KEY:SECRET, mode 0600"), .key = "emqx_key_file",
	.env = "IOT_EMQX_KEY_FILE", .flags = OPT_FILE, .needs = "driver=emqx|!driver",
	.of = WITH_EMQX),
    OPT_STR(struct args, dir, 0, "dir", "DIR",
	N_("files: where passwords (password_file) and acl (acl_file) are"),
	.flags = OPT_DIR, .needs = "driver=files", .of = "broker sync|credential rotate"),
    OPT_STR(struct args, reload, 0, "reload", "CMD",
	N_("files: what makes mosquitto read them again"), .needs = "driver=files",
	.of = "broker sync|credential rotate"),
    OPT_STR(struct args, hashes, 0, "hashes", "FILE",
	N_("files, emqx: hashes of passwords, as 'iotapi export mosquitto' writes them"),
	.flags = OPT_FILE, .needs = "driver=files|driver=emqx", .of = "broker sync"),
    OPT_FLAG(struct args, setup, 0, "setup",
	N_("make what the broker lacks, and let it deny what no rule allows"),
	.needs = "driver=dynsec|driver=emqx", .of = "broker sync"),
    OPT_FLAG(struct args, kick, 0, "kick",
	N_("emqx: disconnect those who are changed, too"), .needs = "driver=emqx",
	.of = "broker sync|credential rotate"),
    OPT_FLAG(struct args, verify, 0, "verify",
	N_("try some of the logins afterwards, under a probe's id"), .needs = "driver",
	.of = "broker sync"),
    OPT_API(struct args, api),
    OPT_MQTT_LONG(struct args, mqtt),
    OPT_TOPICS(struct args, topics),
    OPT_COMMON(struct args, common),
    OPT_END,
};

static const char *const usage[] = {
    "[options] RESOURCE {list|get|create|set|delete} [NAME...] [FIELD=VALUE...]",
    "[options] device {provision|assign|unassign|command|env} ...",
    "[options] broker sync NAME [DEVICE...]",
    "[options] client {list|get|kick} ...",
    "[options] {broker {test|activate|deactivate} NAME | topic {match|expand} ...}",
    "[options] doctor [DEVICE...|-]",
    "[options] acl {show|check|export} ...",
    "[options] {login [URL]|logout|whoami|context ...|config ...}",
    "[options] {apply|diff} -f FILE ...",
    "[options] export {--all|RESOURCE...}",
    "[options] [--keep-going]",
    "[options] api METHOD PATH [FIELD=VALUE...|-|JSON]",
    NULL,
};

static const char *const examples[] = {
    "iotctl login http://localhost:8000",
    "iotctl broker create nombre='EMQX Production' host=emqx password@secret.txt",
    "iotctl device list estado=activo -o json",
    "iotctl device provision --from fleet.csv",
    "iotctl device command ESP32_001 '{\"action\":\"restart\"}' --wait 10s",
    NULL,
};

static const struct program iotctl = {
    .name = "iotctl",
    .section = 1,
    .brief = N_("manage an MQTT platform's brokers, topics, credentials and devices"),
    .usage = usage,
    .examples = examples,
    .opts = opts,
    .spec = command_spec,
    .child_name = WS_PROXY_NAME,
    .child = ws_proxy_run,
};

/* How many of the last arguments stand behind "--": names, whatever they look like. */
static size_t
behind_dashes(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2] == '\0')
			return (size_t)(argc - i - 1);
	}
	return 0;
}

/* Where nothing was ever configured: what to do first. */
static void
say_first_steps(void)
{
	fputs(_("No platform is known yet:\n"
		"  iotctl login URL       logs in and remembers it as a context\n"
		"  man iot-utils          has a quick start, with a platform of your "
		"own\n"),
	    stderr);
}

static bool
knows_platform(const struct opt_set *set)
{
	return set->origin[opt_by_key(set, "api_url") - set->program->opts].source !=
	    OPT_FROM_BUILTIN;
}

static int run_line(int argc, char **argv, const struct opt_set *held, bool for_person);

static int
run_shell(struct ctl *c, const struct strv *given, struct err *err)
{
	struct shell s = {.c = c,
	    .run = run_line,
	    .keep_going = c->args->keep_going,
	    .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
	size_t i;
	int failed;

	for (i = 0; i < given->n; i++)
		strv_add(&s.argv, given->v[i]);
	if (s.terminal && !knows_platform(c->set))
		say_first_steps();
	failed = s.terminal ? shell_interactive(&s, err) : shell_script(&s, err);
	shell_release(&s);
	return failed;
}

/* With a command in front of it, --help is about that command, not the answer that all programs give. */
static void
help_instead(
    const struct args *a, const struct operands *in, struct buf *answer, struct err *err)
{
	if (a->common.ask != OPT_ASK_HELP || in->n == 0)
		return;
	buf_release(answer);
	run_help(NULL, in, err);
}

/* `given`: the arguments as they were, when a line without operands may start the shell; `held`: the options of the shell
 * that has the line. */
static int
run(int argc, char **argv, const struct strv *given, const struct opt_set *held)
{
	struct args a = {.common.context_may_miss = true};
	struct opt_set set;
	struct ctl c = {.args = &a, .set = &set, .held = held};
	struct buf answer = {0};
	struct err err = {0};
	size_t plain = behind_dashes(argc, argv);
	int first;

	if (program_start(
		&set, &iotctl, &a, &a.common, argc, argv, &first, &answer, &err) == 0) {
		struct operands in = {argv + first, (size_t)(argc - first), 0};

		in.plain = in.n > plain ? in.n - plain : 0;
		if (a.json)
			a.format = FORMAT_JSON;
		if (answer.n != 0)
			help_instead(&a, &in, &answer, &err);
		else if (in.n == 0 && given != NULL && !a.common.context_missing)
			run_shell(&c, given, &err);
		else
			command_run(&c, &in, &err);
		if (in.n != 0 && (err.code == ERR_UNREACHABLE || err.code == ERR_AUTH) &&
		    !knows_platform(&set))
			say_first_steps();
	}
	ctl_release(&c);
	mqtt_options_release(&a.mqtt);
	return program_end(&set, &answer, &err);
}

static int
run_line(int argc, char **argv, const struct opt_set *held, bool for_person)
{
	if (for_person)
		show_to_pager();
	return run(argc, argv, NULL, held);
}

int
main(int argc, char **argv)
{
	struct strv given = {0};
	char **completing;
	size_t i;
	int status;

	for (i = 0; i < (size_t)argc; i++)
		strv_add(&given, argv[i]);
	completing = complete_options(&argc, argv);
	status = run(argc, completing != NULL ? completing : argv, &given, NULL);
	for (i = 0; i < given.n; i++)
		explicit_bzero(given.v[i], strlen(given.v[i]));
	strv_release(&given);
	free(completing);
	return status;
}
