/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/login/find_zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/view.h"

/* Microseconds. */
#define SECOND ((int64_t)1000000)
#define QUARTER (900 * SECOND)
#define HOUR (3600 * SECOND)

/* From the login to the answer that shows its time, which has whole seconds. */
#define FRESH (5 * SECOND)

enum { LINK_MAX = 512 };

/* What is known of the API's clock. */
struct zone_clue {
	bool zoneless;  /* it writes times without a zone */
	bool known;     /* `offset` is */
	int64_t offset; /* from UTC */
	int64_t at;     /* when it was so */
	const char *by; /* where from, for people */
};

static bool
is_zoneless(const char *text, int64_t *us)
{
	return timestamp_parse(text, us) && !timestamp_has_zone(text);
}

/* `shown` without a zone, and the moment that it is: give or take `slack`. */
static void
compare(struct zone_clue *k, int64_t shown, int64_t moment, int64_t slack, const char *by)
{
	int64_t apart = shown - moment;
	int64_t quarters = (apart + (apart >= 0 ? QUARTER : -QUARTER) / 2) / QUARTER;

	if (!timestamp_are_zones_apart(shown, moment, slack))
		return;
	k->known = true;
	k->offset = quarters * QUARTER;
	k->at = moment;
	k->by = by;
}

static void
ask_user(struct ctl *c, struct zone_clue *k)
{
	struct rest_reply reply = {0};
	struct span user = {0};
	struct err ignored = {0};
	char *made, *last;
	int64_t us;

	if (rest_call(
		c->api, "GET", "/api/users/me/", (struct span){0}, &reply, &ignored) ||
	    ctl_object(&reply, "/api/users/me/", &user, &ignored))
		user = (struct span){0};
	made = view_text_of(user, "created_at");
	last = view_text_of(user, "last_login");
	k->zoneless = is_zoneless(made, &us) || is_zoneless(last, &us);
	if (reply.date != 0 && is_zoneless(last, &us))
		compare(k, us, reply.date * SECOND, FRESH, "last_login");
	free(last);
	free(made);
	rest_reply_release(&reply);
}

static int
take_first(void *arg, struct span object, struct err *err)
{
	struct buf *first = arg;

	(void)err;
	buf_span(first, object);
	return 1;
}

/* The Django backend shows when an EMQX user was made without a zone in the list, and with it beside its
 * hash, which nobody looks at here. */
static void
ask_account(struct ctl *c, struct zone_clue *k)
{
	const struct schema_resource *r = schema_find("emqx-user");
	char *list = rest_list_path(r, "", NULL, 1), *path, *here = NULL, *there = NULL;
	struct buf first = {0};
	struct rest_reply reply = {0};
	struct err ignored = {0};
	int64_t shown, moment;

	if (rest_list(c->api, list, take_first, &first, &ignored) == 1) {
		path =
		    ctl_object_path(r, lookup_id_of(buf_as_span(&first)), "credentials");
		here = view_text_of(buf_as_span(&first), "created");
		if (rest_call(c->api, "GET", path, (struct span){0}, &reply, &ignored) ==
		    0)
			there = view_text_of(buf_as_span(&reply.body), "created");
		free(path);
	}
	if (here != NULL && there != NULL && is_zoneless(here, &shown) &&
	    timestamp_has_zone(there) && timestamp_parse(there, &moment)) {
		k->zoneless = true;
		compare(k, shown, moment, SECOND, _("the times of its EMQX users"));
	}
	free(here);
	free(there);
	free(list);
	if (reply.body.p != NULL)
		explicit_bzero(reply.body.p, reply.body.n);
	rest_reply_release(&reply);
	buf_release(&first);
}

/* The name of this machine's zone (free); NULL: it has none that is known by name. */
static char *
own_zone(void)
{
	static const char folder[] = "/zoneinfo/";
	const char *name = getenv("TZ");
	char link[LINK_MAX];
	struct err ignored;
	ssize_t n;

	if (name == NULL) {
		n = readlink("/etc/localtime", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		name = strstr(link, folder);
		name = name != NULL ? name + sizeof(folder) - 1 : "";
	}
	return timestamp_check_zone(name, &ignored) == 0 ? xstrdup(name) : NULL;
}

/* A zone with that offset at that time: this machine's own, else one that never changes (free). */
static char *
zone_of(const struct zone_clue *k)
{
	char *own = own_zone(), *fixed;
	int64_t hours = k->offset / HOUR;
	struct err ignored;

	if (own != NULL && timestamp_clock_in(k->at, own) - k->at == k->offset)
		return own;
	free(own);
	/* POSIX signs: Etc/GMT+6 is six hours behind UTC. */
	fixed = hours == 0 ? xstrdup("UTC") : xasprintf("Etc/GMT%+" PRId64, -hours);
	if (k->offset % HOUR == 0 && timestamp_check_zone(fixed, &ignored) == 0)
		return fixed;
	free(fixed);
	return NULL;
}

static char *
ask_person(void)
{
	char *answer = NULL;
	struct err why = {0};

	while (tty_is_there() &&
	    tty_ask(_("the zone of the API's times, such as America/Mexico_City (Enter: "
		      "unknown)"),
		false, &answer, &why) == 0 &&
	    answer[0] != '\0') {
		if (timestamp_check_zone(answer, &why) == 0)
			return answer;
		log_err(&why);
		free(answer);
		answer = NULL;
	}
	free(answer);
	return NULL;
}

char *
find_zone(struct ctl *c)
{
	struct zone_clue k = {0};
	char *zone;

	if (c->args->api.tz != NULL)
		return NULL;
	ask_user(c, &k);
	if (k.zoneless && !k.known)
		ask_account(c, &k);
	if (!k.zoneless)
		return NULL;
	zone = k.known ? zone_of(&k) : NULL;
	if (zone != NULL) {
		log_warn(_("the API's times name no zone: by %s it is %s (api_tz)"), k.by,
		    zone);
		return zone;
	}
	zone = ask_person();
	if (zone == NULL)
		log_warn(_("the API's times name no zone, and are shown as they come: "
			   "'iotctl config set api_tz=ZONE' says which"));
	return zone;
}
