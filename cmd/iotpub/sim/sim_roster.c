/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who the devices are, before anything is connected. */
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
#include "iotpub/sim/sim.h"

/* A load beyond these is meant for a broker of one's own, or meant with --yes. */
enum { MANY_DEVICES = 1000, MANY_MESSAGES = 1000 /* a second */ };

/* Devices that the platform gets meanwhile; as many again, and these. */
enum { ROOM_FOR_NEW = 1000 };

static int
add_operand(struct sim *t, const char *word, struct err *err)
{
	if (strchr(word, '=') != NULL)
		return sensors_add(&t->sensors, word, err);
	strv_add(&t->ids, word);
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
add_numbered(struct sim *t, struct err *err)
{
	const char *format = t->a->id_format != NULL ? t->a->id_format : "DEV_%04d";
	int i;

	if (t->a->devices == 0)
		return t->a->id_format == NULL
		    ? 0
		    : err_set(err, ERR_USAGE, _("--id-format needs --devices"));
	if (!is_id_format(format))
		return err_set(err, ERR_USAGE,
		    _("--id-format: '%s' must have one %%d for the number, or one with "
		      "leading zeros, as in 'DEV_%%04d'"),
		    format);
	for (i = 1; i <= t->a->devices; i++)
		add_number(&t->ids, format, i);
	return 0;
}

static int
take_operands(struct sim *t, char **operands, struct err *err)
{
	int failed = add_numbered(t, err);

	for (; !failed && *operands != NULL; operands++)
		failed = strcmp(*operands, "-") == 0
		    ? file_lines(stdin, _("standard input"), add_line, t, err)
		    : add_operand(t, *operands, err);
	if (!failed && t->ids.n == 0 && !t->a->from_platform)
		failed = err_set(err, ERR_USAGE, _("no device is named"));
	t->sensors_given = t->sensors.n > 0;
	if (!t->sensors_given)
		sensors_add_default(&t->sensors);
	return failed || payload_init(&t->payload, t->a->payload, err) ||
		payload_check(&t->payload, &t->sensors, err)
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
check_load(const struct sim *t, struct err *err)
{
	double rate = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		rate += 1000.0 / (double)t->v[i].profile->interval;
	if (t->a->yes || is_here(t->opts.host) ||
	    (t->n <= MANY_DEVICES && rate <= MANY_MESSAGES))
		return 0;
	return err_set(err, ERR_USAGE,
	    _("%zu devices, %.0f messages a second, against '%s': if it is meant, say "
	      "--yes"),
	    t->n, rate, t->opts.host);
}

static int
check(const struct sim *t, struct err *err)
{
	const struct args *a = t->a;

	if ((a->exec.n > 0 || a->reply != NULL) && !a->listen)
		return err_set(err, ERR_USAGE, _("%s needs --listen"),
		    a->exec.n > 0 ? "--exec" : "--reply");
	if (a->exec.n > 0 && a->reply != NULL)
		return err_set(err, ERR_USAGE, _("give one of --exec and --reply"));
	if (!a->verify && (a->max_lost >= 0 || a->max_p99 > 0))
		return err_set(
		    err, ERR_USAGE, _("--max-lost and --max-p99 need --verify"));
	if (a->mqtt.id != NULL && t->ids.n > 1)
		return err_set(err, ERR_USAGE,
		    _("-i is one client's id, and %zu devices are named: the "
		      "credentials file gives each its own"),
		    t->ids.n);
	if (a->refresh > 0 && !a->from_platform)
		return err_set(err, ERR_USAGE, _("--refresh needs --from-platform"));
	if (a->interval <= 0)
		return err_set(err, ERR_USAGE, _("--interval must be more than 0"));
	if (a->interval < SHORT_INTERVAL && a->count != 1)
		log_warn(_("--interval: the platform wants a second at least between two "
			   "readings"));
	return 0;
}

static int
load_credentials(struct sim *t, struct err *err)
{
	const struct args *a = t->a;
	char *path = credentials_path(a->credentials, a->common.context);
	int failed = credentials_load(&t->credentials, path, a->credentials != NULL, err);

	free(path);
	return failed;
}

static int
by_client_id(const void *a, const void *b)
{
	const struct sim_device *const *x = a, *const *y = b;

	return strcmp((*x)->client_id, (*y)->client_id);
}

/* Two clients with one id would disconnect each other for ever. */
static int
check_client_ids(const struct sim *t, struct err *err)
{
	const struct sim_device **sorted = xcalloc(t->n, sizeof(struct sim_device *));
	int failed = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		sorted[i] = &t->v[i];
	qsort(sorted, t->n, sizeof(*sorted), by_client_id);
	for (i = 1; !failed && i < t->n; i++) {
		const struct sim_device *a = sorted[i - 1], *b = sorted[i];

		if (strcmp(a->id, b->id) == 0)
			failed = err_set(
			    err, ERR_USAGE, _("device '%s' is named twice"), a->id);
		else if (strcmp(a->client_id, b->client_id) == 0)
			failed = err_set(err, ERR_USAGE,
			    _("devices '%s' and '%s' have one client id, '%s'"), a->id,
			    b->id, a->client_id);
	}
	free(sorted);
	return failed;
}

static int
make_devices(struct sim *t, struct err *err)
{
	t->seed = t->a->seed != 0 ? (uint64_t)t->a->seed : (uint64_t)clock_wall_us();
	t->profile = (struct profile){.data = t->topics.data,
	    .sensors = &t->sensors,
	    .interval = t->a->interval,
	    .qos = t->a->qos,
	    .retain = t->a->retain};
	if (t->a->from_platform && inventory_ask(t, err))
		return -1;
	/* Pages that are not touched cost nothing. */
	t->room = t->ids.n;
	if (t->a->refresh > 0 && t->named.n == 0)
		t->room = t->room * 2 + ROOM_FOR_NEW;
	t->v = xcalloc(t->room, sizeof(*t->v));
	for (; t->n < t->ids.n; t->n++) {
		if (sim_device_init(&t->v[t->n], t, t->n, t->ids.v[t->n], err)) {
			t->n++;
			return -1;
		}
	}
	return check_client_ids(t, err);
}

int
sim_roster_add(struct sim *t, const char *id, struct err *err)
{
	struct sim_device *d = &t->v[t->n];

	if (t->n == t->room)
		return err_set(err, ERR_FAILED,
		    _("device '%s' is new, and there is room for %zu: begin again for "
		      "more"),
		    id, t->room);
	t->n++;
	if (sim_device_init(d, t, t->n - 1, id, err) == 0 &&
	    check_client_ids(t, err) == 0 && check_load(t, err) == 0)
		return 0;
	sim_device_release(d);
	t->n--;
	return -1;
}

int
sim_roster_init(struct sim *t, char **operands, struct err *err)
{
	return faults_parse(&t->faults, &t->a->faults, err) ||
		take_operands(t, operands, err) || check(t, err) ||
		topic_set_compile(&t->topics, &t->a->topics, err) ||
		load_credentials(t, err) || make_devices(t, err) || check_load(t, err)
	    ? -1
	    : 0;
}

void
sim_roster_release(struct sim *t)
{
	free(t->v);
	strv_release(&t->named);
	topic_set_release(&t->topics);
	credentials_release(&t->credentials);
	payload_release(&t->payload);
	buf_release(&t->reading);
	sensors_release(&t->sensors);
	strv_release(&t->ids);
}
