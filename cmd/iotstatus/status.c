/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include "base/json.h"
#include "base/text.h"

static const char *const names[] = {
    [STATE_OK] = "OK",
    [STATE_WARNING] = "WARNING",
    [STATE_CRITICAL] = "CRITICAL",
    [STATE_UNKNOWN] = "UNKNOWN",
};

/* A count: a whole number, not negative. */
static int
read_count(struct span object, const char *key, long *out, struct err *err)
{
	struct span value;
	char text[24];
	struct err inner = {0};

	if (!json_member(object, key, &value))
		return err_set(
		    err, ERR_PROTOCOL, _("the API's device status has no '%s'"), key);
	if (value.n >= sizeof(text))
		value.n = sizeof(text) - 1;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (text_int(text, 0, 1000000000, key, out, &inner))
		return err_set(err, ERR_PROTOCOL,
		    _("the API's device status: '%s' is '%s', not a count"), key, text);
	return 0;
}

int
status_read(struct counts *c, struct span body, struct err *err)
{
	struct span object;

	if (!json_check(body, &object, NULL) || json_kind(object) != JSON_KIND_OBJECT)
		return err_set(
		    err, ERR_PROTOCOL, _("the API's device status is no JSON object"));
	if (read_count(object, "total_mqtt_devices", &c->total, err) ||
	    read_count(object, "online", &c->online, err) ||
	    read_count(object, "offline", &c->offline, err) ||
	    read_count(object, "error", &c->error, err))
		return -1;
	if (c->online + c->offline + c->error != c->total)
		return err_set(err, ERR_PROTOCOL,
		    _("the API's device status does not add up: %ld online, %ld offline "
		      "and %ld "
		      "in error are not %ld"),
		    c->online, c->offline, c->error, c->total);
	return 0;
}

double
status_percent(const struct counts *c)
{
	return 100.0 * (double)c->online / (double)c->total;
}

enum state
status_judge(
    const struct counts *c, const struct range *warning, const struct range *critical)
{
	if (c->total == 0)
		return STATE_UNKNOWN;
	if (range_alerts(critical, status_percent(c)))
		return STATE_CRITICAL;
	return range_alerts(warning, status_percent(c)) ? STATE_WARNING : STATE_OK;
}

static void
put_share(struct buf *out, const struct counts *c)
{
	if (c->total == 0)
		buf_puts(out, _("no devices speak MQTT"));
	else
		buf_printf(out, _("%ld/%ld devices online (%.2f%%)"), c->online, c->total,
		    status_percent(c));
}

void
status_text(struct buf *out, const struct counts *c)
{
	put_share(out, c);
	buf_putc(out, '\n');
}

void
status_json(struct buf *out, const struct counts *c, enum state state)
{
	buf_printf(out,
	    "{\"total_mqtt_devices\":%ld,\"online\":%ld,\"offline\":%ld,\"error\":%ld,"
	    "\"percentage_online\":",
	    c->total, c->online, c->offline, c->error);
	if (c->total == 0)
		buf_puts(out, "null");
	else
		buf_printf(out, "%.2f", status_percent(c));
	buf_printf(out, ",\"state\":\"%s\"}\n", names[state]);
}

static const char *
limit(const struct range *r)
{
	return r->given ? r->text : "";
}

/* Thresholds stand in the text too, so that an alert explains itself. */
static void
put_why(struct buf *out, enum state state, const struct range *warning,
    const struct range *critical)
{
	const struct range *r = state == STATE_CRITICAL ? critical : warning;

	if ((state == STATE_WARNING || state == STATE_CRITICAL) && r->given)
		buf_printf(out, _(", wanted %s%s"), r->inside ? _("outside ") : "",
		    r->text + r->inside);
}

void
status_nagios(struct buf *out, const struct counts *c, enum state state,
    const struct range *warning, const struct range *critical, double seconds)
{
	buf_printf(out, "IOT %s - ", names[state]);
	put_share(out, c);
	buf_printf(out, _(", %ld offline, %ld error"), c->offline, c->error);
	put_why(out, state, warning, critical);
	buf_puts(out, " |");
	if (c->total != 0) {
		buf_puts(out, " online_pct=");
		buf_printf(out, "%.2f", status_percent(c));
		buf_printf(out, "%%;%s;%s;0;100", limit(warning), limit(critical));
	}
	buf_printf(out,
	    " online=%ld;;;0;%ld offline=%ld;;;0;%ld error=%ld;;;0;%ld time=%.3fs\n",
	    c->online, c->total, c->offline, c->total, c->error, c->total, seconds);
}

void
status_trouble(struct buf *out, enum state state, const char *text)
{
	buf_printf(out, "IOT %s - %s\n", names[state], text);
}
