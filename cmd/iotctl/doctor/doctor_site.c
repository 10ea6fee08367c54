/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The platform as a whole. */
#include "iotctl/doctor/doctor.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/objects.h"

enum { SKEW_MAX = 30, NEWS_WITHIN = 600, SILENT_INTERVALS = 3, INTERVAL_MAX = 86400 };

bool
doctor_age_of(const struct ctl *c, struct span object, const char *member, int64_t *age)
{
	char *text = view_text_of(object, member);
	const char *zone = c->args->api.tz;
	int64_t us = 0;
	bool known = text[0] != '\0' && (zone != NULL || timestamp_has_zone(text)) &&
	    timestamp_parse_in(text, zone, &us);

	*age = (clock_wall_us() - us) / 1000000;
	free(text);
	return known;
}

char *
doctor_age_words(int64_t s)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(units); i++) {
		if (s >= 2 * units[i].seconds)
			return xasprintf(
			    "%lld %s", (long long)(s / units[i].seconds), units[i].unit);
	}
	return xasprintf("%lld s", (long long)s);
}

/* The first object of a list, which is the newest reading. */
struct newest {
	const struct ctl *c;
	int64_t age;
};

static int
take_first(void *arg, struct span object, struct err *err)
{
	struct newest *n = arg;

	(void)err;
	if (!doctor_age_of(n->c, object, "timestamp", &n->age))
		n->age = -2;
	return 1;
}

int
doctor_newest_reading(struct ctl *c, const char *query, int64_t *age, struct err *err)
{
	struct newest n = {c, -1};
	char *path = rest_list_path(schema_find("reading"), query, "-timestamp", 1);
	int failed = ctl_api(c, err) || rest_list(c->api, path, take_first, &n, err) < 0;

	free(path);
	*age = n.age;
	return failed ? -1 : 0;
}

static void
examine_config(struct doctor_brokers *k, struct findings *f)
{
	const struct opt_set *set = k->c->set;
	const struct opt *row = opt_by_key(set, "api_url");
	const char *where = set->origin[row - set->program->opts].where;

	if (where == NULL)
		doctor_findings_add(f, "config", HEALTH_WARN,
		    _("no context: 'iotctl login URL' saves one"));
	else
		doctor_findings_add(
		    f, "config", HEALTH_OK, _("api_url is from %s"), where);
}

static void
examine_clock(struct findings *f, int64_t date)
{
	long long ahead = (long long)(date - time(NULL));

	if (date == 0)
		doctor_findings_add(f, "clock", HEALTH_UNKNOWN,
		    _("the API does not say what time it is"));
	else if (ahead > SKEW_MAX || ahead < -SKEW_MAX)
		doctor_findings_add(f, "clock", HEALTH_BAD,
		    _("the API's clock is %lld s %s ours: tokens and times go wrong"),
		    ahead < 0 ? -ahead : ahead, ahead < 0 ? _("behind") : _("ahead of"));
	else
		doctor_findings_add(f, "clock", HEALTH_OK, _("within %d s"), SKEW_MAX);
}

/* Whether it makes sense to go on. */
static bool
examine_api(struct doctor_brokers *k, struct findings *f)
{
	struct rest_reply reply = {0};
	struct err why = {0};
	struct span user;
	char *name;
	bool good = ctl_api(k->c, &why) == 0 &&
	    rest_call(
		k->c->api, "GET", "/api/users/me/", (struct span){0}, &reply, &why) == 0;

	if (why.code == ERR_UNREACHABLE || (!good && why.code != ERR_AUTH)) {
		doctor_findings_add(f, "api", HEALTH_BAD, "%s", why.text);
	} else if (!good) {
		doctor_findings_add(f, "api", HEALTH_OK, "%s", rest_base(k->c->api));
		doctor_findings_add(f, "token", HEALTH_BAD, "%s", why.text);
	} else {
		doctor_findings_add(f, "api", HEALTH_OK, "%s", rest_base(k->c->api));
		name = json_check(buf_as_span(&reply.body), &user, NULL)
		    ? view_text_of(user, "username")
		    : xstrdup("?");
		doctor_findings_add(f, "token", HEALTH_OK, _("you are '%s'"), name);
		free(name);
		examine_clock(f, reply.date);
	}
	rest_reply_release(&reply);
	return good;
}

static void
tell_broker(struct findings *f, const struct doctor_broker *b)
{
	bool failed = broker_probe_failed(&b->probe) < BROKER_PROBE_QOS_2;
	char *why = failed ? broker_probe_why(&b->probe) : NULL;

	if (b->err.code != ERR_OK)
		doctor_findings_add(f, "broker", doctor_health_of(&b->err), "'%s': %s",
		    b->name, b->err.text);
	else if (failed)
		doctor_findings_add(f, "broker", HEALTH_BAD, "'%s': %s", b->name, why);
	else if (b->probe.v[BROKER_PROBE_CONNACK].state != BROKER_PROBE_OK)
		doctor_findings_add(f, "broker", HEALTH_OK,
		    _("'%s' answers; its login was not tried (--mqtt-password-file)"),
		    b->name);
	else if (b->qos < 2)
		doctor_findings_add(f, "broker", HEALTH_WARN,
		    _("'%s' works up to QoS %d only: use QoS 1"), b->name, b->qos);
	else
		doctor_findings_add(
		    f, "broker", HEALTH_OK, _("'%s' works up to QoS 2"), b->name);
	free(why);
}

static int
examine_brokers(struct doctor_brokers *k, struct findings *f, struct err *err)
{
	struct objects *all = &k->view.v[VIEW_BROKERS];
	size_t active = 0, i;

	if (objects_fetch(k->c, "broker", "", all, err)) {
		doctor_findings_add(f, "broker", doctor_health_of(err), "%s", err->text);
		*err = (struct err){0};
		return 0;
	}
	for (i = 0; i < all->n; i++) {
		struct span broker = buf_as_span(&all->v[i]);
		struct doctor_broker *b;

		if (!view_member_is(broker, "is_active", "true"))
			continue;
		active++;
		b = doctor_broker_check(k, lookup_id_of(broker), err);
		if (b == NULL)
			return -1;
		tell_broker(f, b);
	}
	if (active == 0)
		doctor_findings_add(f, "broker", HEALTH_BAD,
		    _("the platform has no active broker: 'iotctl broker create'"));
	return 0;
}

long
doctor_interval_of(struct span config)
{
	char *text = view_text_of(config, "publish_interval");
	long n = strtol(text, NULL, 10);

	free(text);
	return n > 0 && n <= INTERVAL_MAX ? n : 0;
}

/* News are late when three of the shortest intervals passed without any. */
static int
news_within(struct doctor_brokers *k, int64_t *seconds, struct err *err)
{
	struct objects configs = {0};
	int failed = objects_fetch(k->c, "device-config", "", &configs, err);
	long least = 0;
	size_t i;

	for (i = 0; i < configs.n; i++) {
		long n = doctor_interval_of(buf_as_span(&configs.v[i]));

		least = n > 0 && (least == 0 || n < least) ? n : least;
	}
	objects_release(&configs);
	*seconds = least * SILENT_INTERVALS > NEWS_WITHIN ? least * SILENT_INTERVALS
							  : NEWS_WITHIN;
	return failed;
}

static void
tell_news(struct findings *f, long online, int64_t age, int64_t within)
{
	char *words = doctor_age_words(age);

	if (online <= 0)
		doctor_findings_add(f, "status", HEALTH_WARN, _("no device is online"));
	else if (age == -2)
		doctor_findings_add(f, "status", HEALTH_UNKNOWN,
		    _("the API's times name no zone: set api_tz"));
	else if (age == -1)
		doctor_findings_add(f, "status", HEALTH_BAD,
		    _("%ld devices are online, yet there is no reading at all"), online);
	else if (age > within)
		doctor_findings_add(f, "status", HEALTH_BAD,
		    _("%ld devices are online, yet the newest reading is %s old: does "
		      "the "
		      "platform listen to the broker?"),
		    online, words);
	else
		doctor_findings_add(f, "status", HEALTH_OK,
		    _("%ld devices are online, the newest reading is %s old"), online,
		    words);
	free(words);
}

static int
examine_freshness(struct doctor_brokers *k, struct findings *f, struct err *err)
{
	struct rest_reply reply = {0};
	struct err why = {0};
	struct span status;
	char *online = NULL;
	int64_t age = -1, within = 0;
	int failed = rest_call(k->c->api, "GET", "/api/mqtt/device-status/",
			 (struct span){0}, &reply, &why) ||
	    !json_check(buf_as_span(&reply.body), &status, NULL) ||
	    news_within(k, &within, &why) || doctor_newest_reading(k->c, "", &age, &why);

	(void)err;
	if (failed) {
		doctor_findings_add(f, "status", HEALTH_BAD, "%s",
		    why.code != ERR_OK ? why.text : _("the API's answer is no JSON"));
	} else {
		online = view_text_of(status, "online");
		tell_news(f, strtol(online, NULL, 10), age, within);
	}
	free(online);
	rest_reply_release(&reply);
	return 0;
}

int
doctor_check_site(struct doctor_brokers *k, struct findings *f, struct err *err)
{
	examine_config(k, f);
	if (!examine_api(k, f))
		return 0;
	return examine_brokers(k, f, err) || examine_freshness(k, f, err) ? -1 : 0;
}
