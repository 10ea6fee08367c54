/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotpub/platform/inventory.h"

/* A load beyond these is meant for a broker of one's own, or meant with --yes. */
enum { MANY_DEVICES = 1000, MANY_MESSAGES = 1000 /* a second */ };

/* Devices that the platform gets meanwhile; as many again, and these. */
enum { ROOM_FOR_NEW = 1000 };

struct roster {
	const struct args *args;
	struct device_config *config;
	struct strv ids; /* of the command line */
	struct sensors sensors;
	bool sensors_given;
	struct payload payload;
	struct topic_set topics;
	struct credentials credentials;
	struct profile profile;     /* as the command line has it */
	struct inventory *platform; /* NULL: not asked */
	struct device **v;
	size_t n, room, dismissed;
	const struct roster_events *events;
	void *arg;
};

static int
add_operand(struct roster *r, const char *word, struct err *err)
{
	if (strchr(word, '=') != NULL)
		return sensors_add(&r->sensors, word, err);
	strv_add(&r->ids, word);
	return 0;
}

static int
add_line(void *arg, size_t number, char *line, struct err *err)
{
	(void)number;
	return line[0] != '\0' ? add_operand(arg, line, err) : 0;
}

/* One %d, perhaps with leading zeros, and nothing else that printf would obey. */
static bool
is_id_format(const char *format)
{
	const char *at = strchr(format, '%');

	if (at == NULL)
		return false;
	at++;
	if (*at == '0')
		at++;
	if (*at >= '1' && *at <= '9')
		at++;
	return *at == 'd' && strchr(at, '%') == NULL;
}

static void
add_number(struct strv *ids, const char *format, int number)
{
	const char *at = strchr(format, '%'), *rest = strchr(at, 'd') + 1;
	int width = (int)strtol(at + 1, NULL, 10);
	char *id = xasprintf(at[1] == '0' ? "%.*s%0*d%s" : "%.*s%*d%s",
	    (int)(at - format), format, width, number, rest);

	strv_add(ids, id);
	free(id);
}

static int
add_numbered(struct roster *r, struct err *err)
{
	const char *format = r->args->id_format != NULL ? r->args->id_format : "DEV_%04d";
	int i;

	if (r->args->devices == 0)
		return 0;
	if (!is_id_format(format))
		return err_set(err, ERR_USAGE,
		    _("--id-format: '%s' must have one %%d for the number, or one with "
		      "leading zeros, as in 'DEV_%%04d'"),
		    format);
	for (i = 1; i <= r->args->devices; i++)
		add_number(&r->ids, format, i);
	return 0;
}

static int
take_operands(struct roster *r, char **operands, struct err *err)
{
	int failed = add_numbered(r, err);

	for (; !failed && *operands != NULL; operands++)
		failed = strcmp(*operands, "-") == 0
		    ? file_lines(stdin, _("standard input"), add_line, r, err)
		    : add_operand(r, *operands, err);
	if (!failed && r->ids.n == 0 && !r->args->from_platform)
		failed = err_set(err, ERR_USAGE, _("no device is named"));
	r->sensors_given = r->sensors.n > 0;
	if (!r->sensors_given)
		sensors_add_default(&r->sensors);
	return failed || payload_init(&r->payload, r->args->payload, err) ||
		payload_check(&r->payload, &r->sensors, err)
	    ? -1
	    : 0;
}

static bool
is_here(const char *host)
{
	return host == NULL || host[0] == '/' || strcmp(host, "localhost") == 0 ||
	    strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

static int
check_load(const struct roster *r, struct err *err)
{
	const char *host = r->config->session->host;
	double rate = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		rate += 1000.0 / (double)device_profile(r->v[i])->interval;
	if (r->args->yes || is_here(host) ||
	    (r->n <= MANY_DEVICES && rate <= (int)MANY_MESSAGES))
		return 0;
	return err_set(err, ERR_USAGE,
	    P_("%zu device, %.0f messages a second, against '%s': if it is meant, say "
	       "--yes",
		"%zu devices, %.0f messages a second, against '%s': if it is meant, say "
		"--yes",
		r->n),
	    r->n, rate, host);
}

static int
check(const struct roster *r, struct err *err)
{
	const struct args *a = r->args;

	if (a->exec.n > 0 && a->reply != NULL)
		return err_set(err, ERR_USAGE, _("give one of --exec and --reply"));
	if (a->mqtt.id != NULL && r->ids.n > 1)
		return err_set(err, ERR_USAGE,
		    P_("-i is one client's id, and %zu device is named: the "
		       "credentials file gives each its own",
			"-i is one client's id, and %zu devices are named: the "
			"credentials file gives each its own",
			r->ids.n),
		    r->ids.n);
	if (a->interval <= 0)
		return err_set(err, ERR_USAGE, _("--interval must be more than 0"));
	if (a->interval < SHORT_INTERVAL && a->count != 1)
		log_warn(_("--interval: the platform wants a second at least between two "
			   "readings"));
	return 0;
}

static int
load_credentials(struct roster *r, struct err *err)
{
	const struct args *a = r->args;
	char *path = credentials_path(a->credentials, a->common.context);
	int failed = credentials_load(&r->credentials, path, a->credentials != NULL, err);

	free(path);
	return failed;
}

static int
by_client_id(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;

	return strcmp(device_client_id(*x), device_client_id(*y));
}

/* Two clients with one id would disconnect each other for ever. */
static int
check_client_ids(const struct roster *r, struct err *err)
{
	const struct device **sorted = xcalloc(r->n, sizeof(struct device *));
	int failed = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		sorted[i] = r->v[i];
	qsort(sorted, r->n, sizeof(*sorted), by_client_id);
	for (i = 1; !failed && i < r->n; i++) {
		const struct device *a = sorted[i - 1], *b = sorted[i];

		if (strcmp(device_id(a), device_id(b)) == 0)
			failed = err_set(err, ERR_USAGE, _("device '%s' is named twice"),
			    device_id(a));
		else if (strcmp(device_client_id(a), device_client_id(b)) == 0)
			failed = err_set(err, ERR_USAGE,
			    _("devices '%s' and '%s' have one client id, '%s'"),
			    device_id(a), device_id(b), device_client_id(a));
	}
	free(sorted);
	return failed;
}

/* All share what the command line says; the platform may say more of each. */
static int
ask_platform(struct roster *r, const struct opt_set *set, struct err *err)
{
	const struct args *a = r->args;
	const struct inventory_opts o = {.common = &a->common,
	    .session = r->config->session,
	    .broker_given = mqtt_options_name_broker(&a->mqtt),
	    .named = &r->ids,
	    .profile = &r->profile,
	    .payload = &r->payload,
	    .sensors_given = r->sensors_given,
	    .interval_given =
		opt_source_of(set, offsetof(struct args, interval)) == OPT_FROM_ARGV,
	    .refresh = a->refresh};

	return a->from_platform ? inventory_load(&r->platform, &o, err) : 0;
}

static int
add(struct roster *r, const char *id, const struct profile *profile, struct err *err)
{
	struct device *d = device_new(r->config, r->n, id, profile, err);

	if (d == NULL)
		return -1;
	r->v[r->n++] = d;
	r->config->fleet = r->n;
	return 0;
}

/* `iotpub RPI_001 temperature` names two devices: the second one is told apart here. Of the devices from `first`
 * on; all of a fleet that are missing are one line. */
static void
tell_strangers(const struct roster *r, size_t first)
{
	const struct device *one = NULL;
	size_t i, n = 0;

	if (r->credentials.n == 0 || r->config->login_given)
		return;
	for (i = first; i < r->n; i++) {
		if (device_credential(r->v[i]) != NULL)
			continue;
		if (n++ == 0)
			one = r->v[i];
	}
	if (n == 1)
		log_warn(
		    _("device '%s' is not in the credentials file: it takes the login "
		      "of the connection"),
		    device_id(one));
	else if (n > 1)
		log_warn(P_("%zu device is not in the credentials file, '%s' the first: "
			    "it takes the login of the connection",
			     "%zu devices are not in the credentials file, '%s' the "
			     "first: they take the login of the connection",
			     n),
		    n, device_id(one));
}

static int
make_devices(struct roster *r, struct err *err)
{
	const size_t n = r->platform != NULL ? inventory_count(r->platform) : r->ids.n;
	size_t i;

	/* Pages that are not touched cost nothing. */
	r->room = n;
	if (r->args->refresh > 0 && r->ids.n == 0)
		r->room = n * 2 + ROOM_FOR_NEW;
	r->v = xcalloc(r->room, sizeof(struct device *));
	for (i = 0; i < n; i++) {
		const struct profile *profile = &r->profile;
		const char *id = r->platform != NULL
		    ? inventory_device(r->platform, i, &profile)
		    : r->ids.v[i];

		if (add(r, id, profile, err))
			return -1;
	}
	tell_strangers(r, 0);
	return check_client_ids(r, err);
}

static void
complete_config(struct roster *r, struct device_config *c)
{
	const int seed = r->args->seed;

	r->profile = (struct profile){.data = r->topics.data,
	    .sensors = &r->sensors,
	    .interval = r->args->interval,
	    .qos = r->args->qos,
	    .retain = r->args->retain};
	c->topics = &r->topics;
	c->credentials = &r->credentials;
	c->reading.payload = &r->payload;
	c->reading.seed = seed != 0 ? (uint64_t)seed : (uint64_t)clock_wall_us();
}

int
roster_new(struct roster **out, struct device_config *config,
    struct reading_shared *shared, const struct opt_set *set, char **operands,
    struct err *err)
{
	struct roster *r = *out = xcalloc(1, sizeof(*r));

	r->args = config->args;
	r->config = config;
	if (faults_parse(&shared->faults, &r->args->faults, err) ||
	    take_operands(r, operands, err) || check(r, err) ||
	    topic_set_compile(&r->topics, &r->args->topics, err) ||
	    load_credentials(r, err))
		return -1;
	complete_config(r, config);
	return ask_platform(r, set, err) || make_devices(r, err) || check_load(r, err)
	    ? -1
	    : 0;
}

void
roster_free(struct roster *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		device_free(r->v[i]);
	free(r->v);
	inventory_free(r->platform);
	topic_set_release(&r->topics);
	credentials_release(&r->credentials);
	payload_release(&r->payload);
	sensors_release(&r->sensors);
	strv_release(&r->ids);
	free(r);
}

size_t
roster_count(const struct roster *r)
{
	return r->n;
}

struct device *
roster_device(const struct roster *r, size_t number)
{
	return r->v[number];
}

size_t
roster_room(const struct roster *r)
{
	return r->room;
}

size_t
roster_dismissed(const struct roster *r)
{
	return r->dismissed;
}

/* What the platform says while they run. */

static struct device *
find(const struct roster *r, const struct profile *profile)
{
	size_t i = 0;

	while (i < r->n && device_profile(r->v[i]) != profile)
		i++;
	return i < r->n ? r->v[i] : NULL;
}

static bool
on_can_change(void *arg)
{
	const struct roster *r = arg;

	return r->events->can_change(r->arg);
}

static int
on_added(void *arg, const char *id, const struct profile *profile, struct err *err)
{
	struct roster *r = arg;

	if (r->n == r->room)
		return err_set(err, ERR_FAILED,
		    _("device '%s' is new, and there is room for %zu: begin again for "
		      "more"),
		    id, r->room);
	if (add(r, id, profile, err))
		return -1;
	if (check_client_ids(r, err) == 0 && check_load(r, err) == 0) {
		tell_strangers(r, r->n - 1);
		return 0;
	}
	device_free(r->v[--r->n]);
	r->config->fleet = r->n;
	return -1;
}

static bool
on_changed(void *arg, const struct profile *profile, bool other_broker)
{
	struct device *d = find(arg, profile);

	if (d == NULL)
		return false;
	device_change(d);
	if (other_broker)
		device_move(d);
	return true;
}

static bool
on_removed(void *arg, const struct profile *profile)
{
	struct roster *r = arg;
	struct device *d = find(r, profile);

	if (d == NULL || device_is_over(d))
		return false;
	r->dismissed++;
	if (device_dismiss(d))
		return true;
	r->dismissed--;
	return false;
}

/* What failed once is not tried again: the device stays away, as if it had ended by itself. */
static int
on_restored(void *arg, const struct profile *profile, struct err *err)
{
	struct roster *r = arg;
	struct device *d = find(r, profile), *again;

	if (d == NULL || !device_is_dismissed(d))
		return -1;
	if (!device_has_left(d))
		return 1;
	r->dismissed--;
	again = device_new(r->config, device_number(d), device_id(d), profile, err);
	if (again == NULL)
		return -1;
	r->v[device_number(d)] = again;
	device_free(d);
	r->events->readmitted(r->arg, again);
	return 0;
}

static void
on_grown(void *arg)
{
	const struct roster *r = arg;

	r->events->grown(r->arg);
}

void
roster_watch(struct roster *r, const struct roster_events *events, void *arg)
{
	static const struct inventory_events inventory_events = {
	    .can_change = on_can_change,
	    .added = on_added,
	    .changed = on_changed,
	    .removed = on_removed,
	    .restored = on_restored,
	    .grown = on_grown};

	r->events = events;
	r->arg = arg;
	if (r->platform != NULL)
		inventory_watch(
		    r->platform, r->config->reading.loop, &inventory_events, r);
}

void
roster_stop(struct roster *r)
{
	if (r->platform != NULL)
		inventory_stop(r->platform);
}
