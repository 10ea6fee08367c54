/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The API's times: the Django backend writes local ones without a zone. */
#include "base/log.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotstatus/source/source.h"

static struct {
	const char *name;
	bool warn; /* it is not told, and that was not said yet */
} zone;

void
source_set_zone(const char *name, bool warn)
{
	zone.name = name;
	zone.warn = warn;
}

int64_t
source_time(const char *text)
{
	int64_t us;

	if (zone.name != NULL)
		return timestamp_parse_in(text, zone.name, &us) ? us : 0;
	if (!timestamp_parse(text, &us))
		return 0;
	if (zone.warn && !timestamp_has_zone(text)) {
		log_warn(_("the API's times ('%s') have no zone and are taken for UTC: "
			   "say which "
			   "with --api-tz or IOT_API_TZ, such as America/Mexico_City"),
		    text);
		zone.warn = false;
	}
	return us;
}
