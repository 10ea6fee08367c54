/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/program.h"
#include "net/apiopts.h"
#include "status.h"

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_NAGIOS };
enum { LIST_NOTHING, LIST_ONLINE, LIST_OFFLINE, LIST_ERROR };

struct args {
	struct common common;
	struct apiopts api;
	int format;
	bool json;
	char *warning, *critical;
	int list;
};

static const char *const list_names[] = {
    [LIST_ONLINE] = "online",
    [LIST_OFFLINE] = "offline",
    [LIST_ERROR] = "error",
};

static const struct opt opts[] = {
    OPT_STR(struct args, warning, 'w', "warning", "RANGE",
	N_("WARNING when the percentage online is outside, such as 90:")),
    OPT_STR(struct args, critical, 'c', "critical", "RANGE",
	N_("CRITICAL when the percentage online is outside, such as 75:")),
    OPT_ENUM(struct args, list, 0, "list", "STATE", "none|online|offline|error",
	N_("print the devices in this state instead, one a line")),
    OPT_ENUM(struct args, format, 'o', "format", "FORMAT", "text|json|nagios",
	N_("what comes out"), .key = "status_format", .value = "text"),
    OPT_FLAG(struct args, json, 0, "json", N_("the same as --format json")),
    OPT_API(struct args, api),
    OPT_COMMON(struct args, common),
    OPT_END,
};

static const struct program iotstatus = {
    .name = "iotstatus",
    .section = 1,
    .brief = N_("percentage of devices online, as a monitoring plugin"),
    .usage =
	(const char *const[]){"[options] [-w RANGE] [-c RANGE] [--list STATE]", NULL},
    .examples = (const char *const[]){"iotstatus", "iotstatus -w 90: -c 75: -o nagios",
	"iotstatus --list offline",
	"iotstatus --quiet -c 75:    # in cron: speaks only of trouble", NULL},
    .opts = opts,
    .usage_status = STATE_UNKNOWN,
};

struct check {
	const struct args *args;
	struct range warning, critical;
	struct counts counts;
	enum state state;
	double seconds;
	struct buf out;
	size_t listed;
};

static int
read_ranges(struct check *k, struct err *err)
{
	const struct args *a = k->args;

	if ((a->warning != NULL &&
		range_parse(&k->warning, a->warning, "--warning", err) != 0) ||
	    (a->critical != NULL &&
		range_parse(&k->critical, a->critical, "--critical", err) != 0))
		return -1;
	if (!range_covers(&k->warning, &k->critical))
		return err_set(err, ERR_USAGE,
		    _("--critical '%s' is looser than --warning '%s': it would never be "
		      "only a "
		      "warning"),
		    a->critical, a->warning);
	return 0;
}

static int
fetch_counts(struct check *k, struct api *api, struct err *err)
{
	struct api_reply reply = {0};
	int64_t from = text_now_us();
	int failed = api_call(api, "GET", "/api/mqtt/device-status/", (struct span){0},
			 &reply, err) ||
	    status_read(&k->counts, buf_as_span(&reply.body), err);

	k->seconds = (double)(text_now_us() - from) / 1e6;
	api_reply_release(&reply);
	return failed;
}

static int
on_device(void *arg, struct span device, struct err *err)
{
	struct check *k = arg;
	struct buf id = {0};
	bool json = k->args->format == FORMAT_JSON;

	if (!json_member_string(device, "identificador_unico", &id)) {
		buf_release(&id);
		return err_set(err, ERR_PROTOCOL, _("a device of the API has no id"));
	}
	if (json) {
		buf_puts(&k->out, k->listed == 0 ? "[" : ",");
		json_put_string(&k->out, buf_as_span(&id));
	} else {
		char shown[512];

		text_visible(shown, sizeof(shown), buf_str(&id));
		buf_printf(&k->out, "%s\n", shown);
	}
	k->listed++;
	buf_release(&id);
	return 0;
}

static int
fetch_list(struct check *k, struct api *api, struct err *err)
{
	char *path = xasprintf("/api/devices/?mqtt_enabled=true&connection_status=%s",
	    list_names[k->args->list]);
	int failed = api_list(api, path, on_device, k, err);

	if (!failed && k->args->format == FORMAT_JSON)
		buf_puts(&k->out, k->listed == 0 ? "[]\n" : "]\n");
	free(path);
	return failed;
}

static int
fetch(struct check *k, const struct api_opts *opts_api, struct err *err)
{
	struct loop *loop = loop_new(err);
	struct api *api = loop != NULL ? api_new(loop, opts_api, err) : NULL;
	int failed = api == NULL || fetch_counts(k, api, err);

	if (!failed) {
		k->state = status_judge(&k->counts, &k->warning, &k->critical);
		if (k->args->list != LIST_NOTHING)
			failed = fetch_list(k, api, err);
	}
	api_free(api);
	loop_free(loop);
	return failed ? -1 : 0;
}

static void
print(struct check *k)
{
	if (k->args->list != LIST_NOTHING ||
	    (k->args->common.quiet && k->state == STATE_OK))
		return;
	switch (k->args->format) {
	case FORMAT_JSON: status_json(&k->out, &k->counts, k->state); break;
	case FORMAT_NAGIOS:
		status_nagios(
		    &k->out, &k->counts, k->state, &k->warning, &k->critical, k->seconds);
		break;
	default: status_text(&k->out, &k->counts);
	}
}

/* An unreachable API means that nobody watches the fleet; all else is a doubt. In the plugin's own
 * format the reason is the output. */
static void
report_trouble(struct check *k, struct err *err)
{
	k->state = err->code == ERR_UNREACHABLE ? STATE_CRITICAL : STATE_UNKNOWN;
	buf_clear(&k->out);
	if (k->args->format == FORMAT_NAGIOS && err->code != ERR_USAGE) {
		status_trouble(&k->out, k->state, err->text);
		*err = (struct err){0};
	}
}

static void
run(struct check *k, struct args *a, int operands, char **operand, struct err *err)
{
	struct api_opts api;

	if (a->json)
		a->format = FORMAT_JSON;
	if (operands > 0)
		err_set(err, ERR_USAGE, _("unexpected operand '%s'"), operand[0]);
	else if (read_ranges(k, err) == 0 &&
	    apiopts_resolve(&a->api, a->common.context, &api, err) == 0 &&
	    fetch(k, &api, err) == 0)
		print(k);
}

int
main(int argc, char **argv)
{
	struct args a = {.api = APIOPTS_DEFAULT};
	struct check k = {.args = &a, .state = STATE_UNKNOWN};
	struct opt_set set;
	struct buf answer = {0};
	struct err err = {0};
	int first, status;

	if (program_start(&set, &iotstatus, &a, &a.common, argc, argv, &first, &answer,
		&err) == 0 &&
	    answer.n == 0)
		run(&k, &a, argc - first, argv + first, &err);
	if (err.code != ERR_OK)
		report_trouble(&k, &err);
	fwrite(k.out.p, 1, k.out.n, stdout);
	buf_release(&k.out);
	status = program_end(&set, &answer, &err);
	return status != 0 && err.code == ERR_OUTPUT ? STATE_UNKNOWN : (int)k.state;
}
