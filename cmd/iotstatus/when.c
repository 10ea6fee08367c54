/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The API's times: the Django backend writes local ones without a zone. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/time.h"
#include "source.h"

static struct {
	bool given;
	bool told;
} zone;

/* The C library takes any word for a zone, and UTC for one that it does not know. */
static bool
is_zone(const char *name)
{
	char *path = xasprintf("/usr/share/zoneinfo/%s", name);
	bool found = strstr(name, "..") == NULL && access(path, R_OK) == 0;

	free(path);
	return found || strpbrk(name, "0123456789") != NULL;
}

int
when_zone(const char *name, struct err *err)
{
	if (name == NULL)
		return 0;
	if (!is_zone(name))
		return err_set(err, ERR_USAGE,
		    _("--api-tz: '%s' is no time zone such as America/Mexico_City"),
		    name);
	setenv("TZ", name, 1);
	tzset();
	zone.given = true;
	return 0;
}

static bool
has_zone(const char *text)
{
	size_t n = strlen(text);

	return n > 0 &&
	    (text[n - 1] == 'Z' || (n > 10 && strpbrk(text + 10, "+-") != NULL));
}

int64_t
when_read(const char *text)
{
	int64_t us;
	time_t t;
	struct tm tm;

	if (!time_parse(text, &us))
		return 0;
	if (has_zone(text))
		return us;
	if (!zone.given) {
		if (!zone.told)
			log_warn(
			    _("the API's times ('%s') have no zone and are taken for "
			      "UTC: say "
			      "which with --api-tz or IOT_API_TZ, such as "
			      "America/Mexico_City"),
			    text);
		zone.told = true;
		return us;
	}
	t = (time_t)(us / 1000000);
	if (gmtime_r(&t, &tm) == NULL)
		return 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000000 + us % 1000000;
}
