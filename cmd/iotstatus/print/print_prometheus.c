/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prometheus' text format, for node_exporter's textfile collector: no time stamps, base units, a ratio
 * instead of a percentage. */
#include "base/text.h"
#include "base/visible.h"
#include "iotstatus/print/print.h"

#include <string.h>

static void
put_head(struct buf *out, const char *name, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* A label's value: backslash, quote and line end escaped as the format says; what could drive a
 * terminal, or is no UTF-8 and would spoil the whole scrape, as its bytes' numbers, so that two ids
 * stay two. */
static void
put_value(struct buf *out, const char *s)
{
	struct buf shown = {0};
	const char *p;

	visible_put_lines(&shown, span_of(s));
	for (p = buf_str(&shown); *p != '\0'; p++) {
		if (*p == '\\' || *p == '"' || *p == '\n')
			buf_putc(out, '\\');
		buf_putc(out, *p == '\n' ? 'n' : *p);
	}
	buf_release(&shown);
}

/* `tipo="esp32"` with what follows it, or nothing when there are no groups. */
static void
put_group(struct buf *out, const struct report *r, const char *group, const char *after)
{
	if (group == NULL)
		return;
	buf_printf(out, "%s=\"", r->by);
	put_value(out, group);
	buf_printf(out, "\"%s", after);
}

static void
put_states(
    struct buf *out, const struct report *r, const char *group, const struct counts *c)
{
	int i;

	for (i = 0; i < (c->split ? PRESENCES : PRESENCE_NEVER); i++) {
		buf_puts(out, "iot_devices{");
		put_group(out, r, group, ",");
		buf_printf(out, "state=\"%s\"} %ld\n", print_labels[i], c->n[i]);
	}
}

static void
put_ratio(
    struct buf *out, const struct report *r, const char *group, const struct counts *c)
{
	if (c->total == 0)
		return;
	buf_puts(out, "iot_devices_online_ratio");
	if (group != NULL) {
		buf_putc(out, '{');
		put_group(out, r, group, "}");
	}
	buf_printf(out, " %.6g\n", (double)c->n[PRESENCE_ONLINE] / (double)c->total);
}

static void
put_run(struct buf *out, bool success, double seconds, double last_success)
{
	put_head(out, "iot_status_scrape_success",
	    "Whether the last look at the fleet succeeded.");
	buf_printf(out, "iot_status_scrape_success %d\n", success);
	put_head(out, "iot_status_duration_seconds",
	    "How long the last look at the fleet took.");
	buf_printf(out, "iot_status_duration_seconds %.6f\n", seconds);
	if (last_success <= 0)
		return;
	put_head(out, "iot_status_last_success_timestamp_seconds",
	    "When a look at the fleet last succeeded.");
	buf_printf(out, "iot_status_last_success_timestamp_seconds %.3f\n", last_success);
}

static void
put_fleet(struct buf *out, const struct report *r)
{
	size_t i;

	put_head(out, "iot_devices", "Devices that speak MQTT, by state.");
	for (i = 0; i < r->group_count; i++)
		put_states(out, r, r->groups[i].name, &r->groups[i].counts);
	if (r->by == NULL)
		put_states(out, r, NULL, &r->counts);
	if (r->counts.total == 0)
		return;
	put_head(out, "iot_devices_online_ratio", "Share of the devices that is online.");
	for (i = 0; i < r->group_count; i++)
		put_ratio(out, r, r->groups[i].name, &r->groups[i].counts);
	if (r->by == NULL)
		put_ratio(out, r, NULL, &r->counts);
}

/* As many series as devices: only for who asked. */
static void
put_devices(struct buf *out, const struct report *r)
{
	size_t i;

	if (!r->per_device || r->fleet == NULL)
		return;
	put_head(out, "iot_device_online", "Whether this device is online.");
	for (i = 0; i < r->fleet->n; i++) {
		const struct device *d = &r->fleet->v[i];
		const struct device_seen *s = &d->reported[VIEW_SOURCE];

		if (r->listed ? !d->listed : !s->known)
			continue;
		buf_puts(out, "iot_device_online{device_id=\"");
		put_value(out, d->id);
		buf_printf(out, "\"} %d\n", s->known && s->state == PRESENCE_ONLINE);
	}
}

void
print_prometheus(struct buf *out, const struct report *r, double now)
{
	put_fleet(out, r);
	put_devices(out, r);
	if (r->other != NULL) {
		put_head(out, "iot_devices_differ",
		    "Devices that are online by one source and not by the other.");
		buf_printf(out, "iot_devices_differ %ld\n", r->disputed);
	}
	put_run(out, true, r->seconds, now);
}

void
print_prometheus_trouble(struct buf *out, double seconds, double last_success)
{
	put_run(out, false, seconds, last_success);
}
