/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The platform as a whole. */
#include "iotctl/doctor/doctor.h"

#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/objects.h"
#include "iotctl/doctor/freshness.h"

enum { SKEW_MAX = 30 };

static void
check_config(struct doctor *d, struct findings *f)
{
	const struct opt_set *set = d->c->set;
	const struct opt *row = opt_by_key(set, "api_url");
	const char *where = set->origin[row - set->program->opts].where;

	if (where == NULL)
		findings_add(f, "config", HEALTH_WARN,
		    _("no context: 'iotctl login URL' saves one"));
	else
		findings_add(f, "config", HEALTH_OK, _("api_url is from %s"), where);
}

static void
check_clock(struct findings *f, int64_t date)
{
	long long ahead = (long long)(date - time(NULL));

	if (date == 0)
		findings_add(f, "clock", HEALTH_UNKNOWN,
		    _("the API does not say what time it is"));
	else if (ahead > SKEW_MAX)
		findings_add(f, "clock", HEALTH_BAD,
		    _("the API's clock is %lld s ahead of ours: tokens and times go "
		      "wrong"),
		    ahead);
	else if (ahead < -SKEW_MAX)
		findings_add(f, "clock", HEALTH_BAD,
		    _("the API's clock is %lld s behind ours: tokens and times go wrong"),
		    -ahead);
	else
		findings_add(f, "clock", HEALTH_OK, _("within %d s"), SKEW_MAX);
}

/* Returns whether there is an API to ask more of. */
static bool
check_api(struct doctor *d, struct findings *f)
{
	struct rest_reply reply = {0};
	struct err why = {0};
	struct span user;
	char *name;
	bool good = ctl_api(d->c, &why) == 0 &&
	    rest_call(
		d->c->api, "GET", "/api/users/me/", (struct span){0}, &reply, &why) == 0;

	/* simplejwt alone has no such resource; whether the token is taken the next requests tell. */
	if (reply.status == 404) {
		findings_add(f, "api", HEALTH_OK, "%s", rest_base(d->c->api));
		check_clock(f, reply.date);
		good = true;
	} else if (why.code == ERR_UNREACHABLE || (!good && why.code != ERR_AUTH)) {
		findings_add(f, "api", HEALTH_BAD, "%s", why.text);
	} else if (!good) {
		findings_add(f, "api", HEALTH_OK, "%s", rest_base(d->c->api));
		findings_add(f, "token", HEALTH_BAD, "%s", why.text);
	} else {
		findings_add(f, "api", HEALTH_OK, "%s", rest_base(d->c->api));
		name = json_check(buf_as_span(&reply.body), &user, NULL)
		    ? view_text_of(user, "username")
		    : xstrdup("?");
		findings_add(f, "token", HEALTH_OK, _("you are '%s'"), name);
		free(name);
		check_clock(f, reply.date);
	}
	rest_reply_release(&reply);
	return good;
}

static void
add_broker(struct findings *f, const struct cached_broker *b)
{
	bool failed = broker_probe_failed(&b->probe) < BROKER_PROBE_QOS_2;
	char *why = failed ? broker_probe_why(&b->probe) : NULL;

	if (b->err.code != ERR_OK)
		findings_add(f, "broker", findings_health(&b->err), "'%s': %s", b->name,
		    b->err.text);
	else if (failed)
		findings_add(f, "broker", HEALTH_BAD, "'%s': %s", b->name, why);
	else if (b->probe.v[BROKER_PROBE_CONNACK].state != BROKER_PROBE_OK)
		findings_add(f, "broker", HEALTH_OK,
		    _("'%s' answers; its login was not tried (--mqtt-password-file)"),
		    b->name);
	else if (b->qos < 2)
		findings_add(f, "broker", HEALTH_WARN,
		    _("'%s' works up to QoS %d only: use QoS 1"), b->name, b->qos);
	else
		findings_add(
		    f, "broker", HEALTH_OK, _("'%s' works up to QoS 2"), b->name);
	free(why);
}

static int
check_brokers(struct doctor *d, struct findings *f, struct err *err)
{
	struct objects *all = &d->view.v[VIEW_BROKERS];
	size_t active = 0, i;

	if (objects_fetch(d->c, "broker", "", all, err)) {
		findings_add(f, "broker", findings_health(err), "%s", err->text);
		*err = (struct err){0};
		return 0;
	}
	for (i = 0; i < all->n; i++) {
		struct span broker = buf_as_span(&all->v[i]);
		struct cached_broker *b;

		if (!view_member_is(broker, "is_active", "true"))
			continue;
		active++;
		b = broker_cache_get(&d->brokers, lookup_id_of(broker), err);
		if (b == NULL)
			return -1;
		add_broker(f, b);
	}
	if (active == 0)
		findings_add(f, "broker", HEALTH_BAD,
		    _("the platform has no active broker: 'iotctl broker create'"));
	return 0;
}

static void
add_freshness(struct findings *f, long online, int64_t age, int64_t within)
{
	char *words = freshness_words(age);

	if (online <= 0)
		findings_add(f, "status", HEALTH_WARN, _("no device is online"));
	else if (age == FRESHNESS_NO_ZONE)
		findings_add(f, "status", HEALTH_UNKNOWN,
		    _("the API's times name no zone: set api_tz"));
	else if (age == FRESHNESS_NO_READING)
		findings_add(f, "status", HEALTH_BAD,
		    P_("%ld device is online, yet there is no reading at all",
			"%ld devices are online, yet there is no reading at all", online),
		    online);
	else if (age > within)
		findings_add(f, "status", HEALTH_BAD,
		    P_("%ld device is online, yet the newest reading is %s old: does the "
		       "platform listen to the broker?",
			"%ld devices are online, yet the newest reading is %s old: does "
			"the platform listen to the broker?",
			online),
		    online, words);
	else
		findings_add(f, "status", HEALTH_OK,
		    P_("%ld device is online, the newest reading is %s old",
			"%ld devices are online, the newest reading is %s old", online),
		    online, words);
	free(words);
}

static void
check_freshness(struct doctor *d, struct findings *f)
{
	struct rest_reply reply = {0};
	struct err why = {0};
	struct span status;
	char *online = NULL;
	int64_t age = FRESHNESS_NO_READING, within = 0;
	int failed = rest_call(d->c->api, "GET", "/api/mqtt/device-status/",
			 (struct span){0}, &reply, &why) ||
	    !json_check(buf_as_span(&reply.body), &status, NULL) ||
	    freshness_platform_silence(d->c, &within, &why) ||
	    freshness_of_readings(d->c, 0, &age, &why);

	if (failed) {
		findings_add(f, "status", HEALTH_BAD, "%s",
		    why.code != ERR_OK ? why.text : _("the API's answer is no JSON"));
	} else {
		online = view_text_of(status, "online");
		add_freshness(f, strtol(online, NULL, 10), age, within);
	}
	free(online);
	rest_reply_release(&reply);
}

int
doctor_check_site(struct doctor *d, struct findings *f, struct err *err)
{
	check_config(d, f);
	if (!check_api(d, f))
		return 0;
	if (check_brokers(d, f, err))
		return -1;
	check_freshness(d, f);
	return 0;
}
