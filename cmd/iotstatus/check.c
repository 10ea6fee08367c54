/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/check.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotstatus/print/print.h"

static const char *const source_names[] = {
    [SOURCE_NONE] = NULL,
    [SOURCE_API] = "api",
    [SOURCE_MQTT] = "mqtt",
    [SOURCE_EMQX] = "emqx",
};

static const struct {
	const char *name;  /* of the group, in output */
	const char *field; /* of a device; NULL: of its device-config */
} group_fields[] = {
    [BY_NOTHING] = {NULL, NULL},
    [BY_TIPO] = {"tipo", "tipo"},
    [BY_ESTADO] = {"estado", "estado"},
    [BY_OPERADOR] = {"operador", "operador_username"},
    [BY_BROKER] = {"broker", NULL},
};

static int
prepare_emqx(struct device_check *check, int64_t until, struct err *err)
{
	struct options *a = check->args;
	struct rest_opts opts = {
	    .url = a->emqx_url != NULL ? a->emqx_url : "http://localhost:18083",
	    .cafile = a->api.cafile,
	    .context = "emqx",
	    .timeout = a->api.timeout,
	    .until = until};

	if (file_read_secret(a->emqx_key_file, &a->emqx_key, err))
		return -1;
	if (strchr(a->emqx_key, ':') == NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s' holds no EMQX API key: wanted one line, KEY:SECRET"),
		    a->emqx_key_file);
	opts.basic = a->emqx_key;
	check->emqx = rest_new(check->loop, &opts, err);
	return check->emqx != NULL ? 0 : -1;
}

static int
prepare_api(struct device_check *check, int64_t until, struct err *err)
{
	struct rest_opts opts;

	if (rest_options_resolve(
		&check->args->api, check->args->common.context, &opts, err))
		return -1;
	opts.until = until;
	check->api = rest_new(check->loop, &opts, err);
	return check->api != NULL ? 0 : -1;
}

static int
prepare_mqtt(struct device_check *check, struct err *err)
{
	check->session = (struct session_opts){.clean = true};
	return mqtt_options_resolve(&check->args->mqtt, check->set, &check->session, err);
}

/* Whether a time of the API decides, or is seen. */
static bool
shows_times(const struct options *a)
{
	return a->max_age != 0 || a->watch || a->common.verbose > 0 ||
	    a->format == FORMAT_TSV;
}

int
check_prepare(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;
	int64_t until;

	check->started = clock_wall_us();
	source_set_zone(a->api.tz, shows_times(a));
	if (options_check(a, err) ||
	    threshold_read(&check->limits, &a->warning, &a->critical, err))
		return -1;
	if (check->limits.n > 0 && a->by == BY_NOTHING)
		return err_set(err, ERR_USAGE,
		    _("'%s=' is a group's threshold: it needs --by"),
		    check->limits.v[0].group);
	check->loop = loop_new(err);
	if (check->loop == NULL)
		return -1;
	/* A live view has no end; each of its requests has. */
	until = a->watch ? 0 : loop_now(check->loop) + a->api.timeout;
	if ((options_want(a, SOURCE_API) && prepare_api(check, until, err)) ||
	    (options_want(a, SOURCE_EMQX) && prepare_emqx(check, until, err)))
		return -1;
	if (!options_want(a, SOURCE_MQTT) && !options_want(a, SOURCE_EMQX) && !a->watch)
		return 0;
	if (topic_set_compile(&check->topics, &a->topics, err))
		return -1;
	return options_want(a, SOURCE_MQTT) || a->watch ? prepare_mqtt(check, err) : 0;
}

/* The counts alone are one small answer. */
static bool
wants_devices(const struct options *a)
{
	return a->verify != 0 || a->by != BY_NOTHING || a->max_age != 0 || a->watch ||
	    a->per_device || a->common.verbose > 0;
}

/* What the server's filter can tell apart; the rest is sorted out here. */
static int
fetch_listed(struct device_check *check, struct err *err)
{
	enum presence wanted = (enum presence)(check->args->list - 1);

	if (wanted == PRESENCE_NEVER)
		wanted = PRESENCE_OFFLINE;
	return source_api_devices(
	    check->api, &check->fleet, NULL, presence_names[wanted], err);
}

int
check_poll(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;

	if (options_source(a) == SOURCE_EMQX)
		return source_emqx_clients(
		    check->emqx, &check->topics, &check->fleet, VIEW_SOURCE, err);
	return source_api_devices(
	    check->api, &check->fleet, group_fields[a->by].field, NULL, err);
}

static int
fetch_api(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;
	bool configs = a->by == BY_BROKER || (a->list != 0 && a->format == FORMAT_TSV);

	if (wants_devices(a)) {
		if (check_poll(check, err))
			return -1;
		check->report.listed = true;
		check->report.fleet = &check->fleet;
	} else if (source_api_counts(check->api, &check->report.counts, err) ||
	    (a->list != 0 && fetch_listed(check, err))) {
		return -1;
	}
	if (configs &&
	    source_api_configs(check->api, &check->fleet, a->by == BY_BROKER, err))
		return -1;
	return a->common.verbose > 0
	    ? source_api_view(check->api, &check->report.view, err)
	    : 0;
}

static enum view
view_of(const struct options *a, enum source source)
{
	return options_source(a) == source ? VIEW_SOURCE : VIEW_OTHER;
}

static struct source_mqtt *
listen_for(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;
	const struct source_mqtt_opts opts = {
	    .session = check->session,
	    .topics = &check->topics,
	    .view = view_of(a, SOURCE_MQTT),
	    .data = a->max_age != 0,
	    .wait = a->wait,
	    .until = loop_now(check->loop) + a->api.timeout,
	};

	return source_mqtt_new(check->loop, &opts, &check->fleet, err);
}

/* The broker sends while the API is asked. */
static int
ask_sources(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;
	bool mqtt = options_want(a, SOURCE_MQTT), emqx = options_want(a, SOURCE_EMQX);
	struct source_mqtt *listener = mqtt ? listen_for(check, err) : NULL;
	int failed = (mqtt && listener == NULL) ||
	    (options_want(a, SOURCE_API) && fetch_api(check, err)) ||
	    (emqx &&
		source_emqx_clients(check->emqx, &check->topics, &check->fleet,
		    view_of(a, SOURCE_EMQX), err)) ||
	    (mqtt && source_mqtt_wait(listener, err));

	source_mqtt_free(listener);
	if (mqtt || emqx)
		check->report.fleet = &check->fleet;
	return failed ? -1 : 0;
}

static void
summarize(struct device_check *check)
{
	const struct options *a = check->args;
	struct report *r = &check->report;
	/* What came while we asked is young, however short the age. */
	int64_t now = clock_wall_us(), age = a->max_age * 1000 + now - check->started;
	size_t i;

	if (r->listed)
		device_table_join(&check->fleet);
	if (a->max_age != 0) {
		device_table_age(&check->fleet, VIEW_SOURCE, now, age);
		device_table_age(&check->fleet, VIEW_OTHER, now, age);
	}
	for (i = 0; i < check->fleet.n; i++) {
		const struct device *d = &check->fleet.v[i];

		if (d->reported[VIEW_SOURCE].seen > r->seen &&
		    d->reported[VIEW_SOURCE].seen <= now + age)
			r->seen = d->reported[VIEW_SOURCE].seen;
		r->disputed += device_table_is_disputed(d);
		r->unlisted += r->listed && !d->listed && d->reported[VIEW_OTHER].known;
	}
	r->frozen = a->max_age != 0 && r->seen < now - age;
}

/* RabbitMQ, for one, delivers no retained message to a filter with a wildcard: that nobody has a status says
 * nothing about the fleet. */
static int
refuse_silence(const struct device_check *check, struct err *err)
{
	size_t i, listed = 0;

	for (i = 0; i < check->fleet.n; i++) {
		listed += check->fleet.v[i].listed;
		if (check->fleet.v[i].reported[VIEW_OTHER].known)
			return 0;
	}
	if (listed == 0)
		return 0;
	return err_set(err, ERR_PROTOCOL,
	    P_("broker '%s' sent no status at all, of %zu device: it keeps none, or "
	       "delivers none to a wildcard; verify with --verify emqx, or not",
		"broker '%s' sent no status at all, of %zu devices: it keeps none, or "
		"delivers none to a wildcard; verify with --verify emqx, or not",
		listed),
	    check->session.host, listed);
}

static int
by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
make_groups(struct device_check *check, struct err *err)
{
	struct report *r = &check->report;
	const struct strv *names = &check->fleet.groups;
	size_t i, k;

	r->groups = xcalloc(names->n + 1, sizeof(*r->groups));
	for (i = 0; i < names->n; i++) {
		struct group *g = &r->groups[r->group_count];

		*g = (struct group){.name = names->v[i],
		    .limit = threshold_of(&check->limits, names->v[i])};
		device_table_count(&check->fleet, VIEW_SOURCE, true, (long)i, &g->counts);
		r->group_count += g->counts.total > 0;
	}
	qsort(r->groups, r->group_count, sizeof(*r->groups), by_name);
	for (i = 0; i < check->limits.n; i++) {
		for (k = 0; k < names->n; k++) {
			if (strcmp(check->limits.v[i].group, names->v[k]) == 0)
				break;
		}
		if (k == names->n)
			return err_set(err, ERR_USAGE,
			    _("a threshold is for the group '%s', in which no device "
			      "is"),
			    check->limits.v[i].group);
	}
	return 0;
}

int
check_run(struct device_check *check, struct err *err)
{
	const struct options *a = check->args;
	struct report *r = &check->report;

	r->source = source_names[options_source(a)];
	r->other = source_names[options_verify(a)];
	r->by = group_fields[a->by].name;
	r->limit = check->limits.all;
	r->max_age = a->max_age;
	r->verbose = a->common.verbose > 0;
	r->per_device = a->per_device;
	if (ask_sources(check, err))
		return -1;
	summarize(check);
	if (options_verify(a) == SOURCE_MQTT && refuse_silence(check, err))
		return -1;
	if (a->list != 0 || a->verify != 0 || r->verbose || r->per_device)
		device_table_sort(&check->fleet);
	if (r->fleet != NULL)
		device_table_count(&check->fleet, VIEW_SOURCE, r->listed, -1, &r->counts);
	if (r->other != NULL)
		device_table_count(&check->fleet, VIEW_OTHER, true, -1, &r->other_counts);
	if (r->by != NULL && make_groups(check, err))
		return -1;
	r->seconds = (double)(clock_wall_us() - check->started) / 1e6;
	verdict_judge_report(r, (enum state)a->on_empty);
	return 0;
}

void
check_list(const struct device_check *check, enum format format, struct buf *out)
{
	enum presence wanted = (enum presence)(check->args->list - 1);
	enum list_form form = format == FORMAT_JSON ? LIST_JSON
	    : format == FORMAT_TSV                  ? LIST_TSV
						    : LIST_LINES;
	bool api = check->api != NULL;
	size_t i, n = 0;

	for (i = 0; i < check->fleet.n; i++) {
		const struct device *d = &check->fleet.v[i];
		const struct device_seen *s = &d->reported[VIEW_SOURCE];

		if (api ? !d->listed : !s->known)
			continue;
		if ((s->known ? s->state : PRESENCE_NEVER) != wanted)
			continue;
		if (form == LIST_JSON)
			buf_puts(out, n == 0 ? "[" : ",");
		print_device(out, d, form);
		n++;
	}
	if (form == LIST_JSON)
		buf_puts(out, n == 0 ? "[]\n" : "]\n");
}

void
check_release(struct device_check *check)
{
	rest_free(check->api);
	rest_free(check->emqx);
	loop_free(check->loop);
	topic_set_release(&check->topics);
	mqtt_options_release(&check->args->mqtt);
	mem_free_secret(check->args->emqx_key);
	verdict_release(&check->report);
	device_table_release(&check->fleet);
	threshold_release(&check->limits);
}
