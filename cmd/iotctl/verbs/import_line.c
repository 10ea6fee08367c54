/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One reading line into one reading of the API. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"
#include "iotctl/verbs/import.h"

/* The device's own time where it is one, else when the message came. */
static void
put_time(struct buf *out, struct span line)
{
	struct span timestamp = {0}, received = {0};
	struct buf text = {0};
	int64_t now, us;

	if (!json_member_string(line, "received_at", &text) ||
	    !timestamp_parse(buf_str(&text), &now))
		now = clock_wall_us();
	json_member(line, "timestamp", &timestamp);
	if (timestamp_of_device(timestamp, now, &us)) {
		buf_puts(out, ",\"timestamp\":\"");
		buf_time(out, us);
		buf_putc(out, '"');
	} else if (json_member(line, "received_at", &received) &&
	    json_kind(received) == JSON_KIND_STRING) {
		buf_puts(out, ",\"timestamp\":");
		buf_span(out, received);
	}
	buf_release(&text);
}

static void
put_reading(
    struct buf *out, const struct import_pair *p, struct span line, struct span value)
{
	struct span s;

	buf_printf(out,
	    "{\"dispositivo\":%" JSON_INTEGER_FORMAT ",\"sensor\":%" JSON_INTEGER_FORMAT
	    ",\"valor\":",
	    p->device_id, p->sensor_id);
	buf_span(out, value);
	put_time(out, line);
	if (json_member(line, "qos", &s) && json_kind(s) == JSON_KIND_NUMBER)
		buf_printf(out, ",\"mqtt_qos\":%.*s", (int)s.n, s.p);
	if (json_member(line, "retain", &s) && json_kind(s) == JSON_KIND_TRUE)
		buf_puts(out, ",\"mqtt_retained\":true");
	if (json_member(line, "mid", &s) && json_kind(s) == JSON_KIND_NUMBER)
		buf_printf(out, ",\"mqtt_message_id\":\"%.*s\"", (int)s.n, s.p);
	buf_putc(out, '}');
}

static int
check_value(const struct import_pair *p, struct span value, struct err *err)
{
	char *text = xstrndup(value.p, value.n);
	double d = 0;
	int failed = 0;

	if (json_kind(value) != JSON_KIND_NUMBER || !text_double(text, &d))
		failed = err_set(err, ERR_USAGE, _("its value is no number: %s"), text);
	else if (d < p->min || d > p->max)
		failed = err_set(err, ERR_USAGE, _("%s is not within %g..%g of '%s'"),
		    text, p->min, p->max, p->sensor);
	free(text);
	return failed;
}

int
import_line(struct import_catalog *k, struct span text, struct buf *out, struct err *err)
{
	struct buf device = {0}, sensor = {0};
	const struct import_pair *p;
	struct span line, value = {0};
	size_t at = 0;
	int result = 1;

	if (!json_check(text, &line, &at) || json_kind(line) != JSON_KIND_OBJECT) {
		err_set(err, ERR_USAGE, _("no JSON object: wrong at byte %zu"), at + 1);
	} else if (!json_member_string(line, "device_id", &device) ||
	    !json_member_string(line, "sensor", &sensor) ||
	    !json_member(line, "value", &value)) {
		err_set(err, ERR_USAGE,
		    _("no reading: it needs device_id, sensor and value (iotingest "
		      "--readings)"));
	} else if ((p = import_pair(k, buf_str(&device), buf_str(&sensor), err)) ==
	    NULL) {
		result = -1;
	} else if (p->why != NULL) {
		err_set(err, ERR_NOT_FOUND, "%s", p->why);
	} else if (check_value(p, value, err) == 0) {
		put_reading(out, p, line, value);
		result = 0;
	}
	buf_release(&sensor);
	buf_release(&device);
	return result;
}
