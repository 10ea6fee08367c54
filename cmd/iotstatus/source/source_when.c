/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The API's times: the Django backend writes local ones without a zone. */
#include "base/log.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotstatus/source/source.h"

static struct {
	const char *name;
	bool told;
} zone;

void
source_when_zone(const char *name, bool matter)
{
	zone.name = name;
	zone.told = !matter;
}

int64_t
source_when_read(const char *text)
{
	int64_t us;

	if (zone.name != NULL)
		return timestamp_parse_in(text, zone.name, &us) ? us : 0;
	if (!timestamp_parse(text, &us))
		return 0;
	if (!zone.told && !timestamp_has_zone(text)) {
		log_warn(_("the API's times ('%s') have no zone and are taken for UTC: "
			   "say which "
			   "with --api-tz or IOT_API_TZ, such as America/Mexico_City"),
		    text);
		zone.told = true;
	}
	return us;
}
