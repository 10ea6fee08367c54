/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/doctor/freshness.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"

/* Seconds; so many intervals without a reading are too many. */
enum {
	SILENT_INTERVALS = 3,
	DEVICE_LEAST = 90,
	PLATFORM_LEAST = 600,
	INTERVAL_MAX = 86400
};

/* How old a time of an object is, in seconds. False if it has none, or one of an unknown zone. */
static bool
age_of(const struct ctl *c, struct span object, const char *member, int64_t *age)
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
freshness_words(int64_t s)
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
	json_int_t
	    device; /* of this one, whatever the server makes of the filter; 0: of any */
	int64_t age;
};

static int
take_first(void *arg, struct span object, struct err *err)
{
	struct newest *n = arg;
	char device[24];

	(void)err;
	snprintf(device, sizeof(device), "%" JSON_INTEGER_FORMAT, n->device);
	if (n->device != 0 && !view_member_is(object, "dispositivo", device))
		return 0;
	if (!age_of(n->c, object, "timestamp", &n->age))
		n->age = FRESHNESS_NO_ZONE;
	return 1;
}

int
freshness_of_readings(struct ctl *c, json_int_t device, int64_t *age, struct err *err)
{
	struct newest n = {c, device, FRESHNESS_NO_READING};
	char filter[48] = "";
	char *path;
	int failed;

	if (device != 0)
		snprintf(
		    filter, sizeof(filter), "&dispositivo=%" JSON_INTEGER_FORMAT, device);
	path = rest_list_path(schema_find("reading"), filter, "-timestamp", 1);
	failed = ctl_api(c, err) || rest_list(c->api, path, take_first, &n, err) < 0;
	free(path);
	*age = n.age;
	return failed ? -1 : 0;
}

/* Seconds between the readings of a device-config; 0: it has no such number. */
static int64_t
interval_of(struct span config)
{
	char *text = view_text_of(config, "publish_interval");
	int64_t n = strtoll(text, NULL, 10);

	free(text);
	return n > 0 && n <= INTERVAL_MAX ? n : 0;
}

int64_t
freshness_silence(struct span config)
{
	int64_t within = SILENT_INTERVALS * interval_of(config);

	return within > DEVICE_LEAST ? within : DEVICE_LEAST;
}

int64_t
freshness_intervals(struct span config, int64_t age)
{
	int64_t interval = interval_of(config);

	return interval > 0 ? age / interval : 0;
}

int
freshness_platform_silence(struct ctl *c, int64_t *seconds, struct err *err)
{
	struct objects configs = {0};
	int failed = objects_fetch(c, "device-config", "", &configs, err);
	int64_t shortest = 0;
	size_t i;

	for (i = 0; i < configs.n; i++) {
		int64_t n = interval_of(buf_as_span(&configs.v[i]));

		shortest = n > 0 && (shortest == 0 || n < shortest) ? n : shortest;
	}
	objects_release(&configs);
	*seconds = shortest * SILENT_INTERVALS > PLATFORM_LEAST
	    ? shortest * SILENT_INTERVALS
	    : PLATFORM_LEAST;
	return failed;
}
