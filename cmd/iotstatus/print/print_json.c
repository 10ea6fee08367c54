/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What programs read of a report. */
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "iotstatus/print/print.h"

/* An id that a broker let through may be no UTF-8: then as a terminal would show it. */
static void
put_text(struct buf *out, const char *s)
{
	struct buf shown = {0};
	struct span text = span_of(s);

	if (!utf8_is_valid(text.p, text.n)) {
		visible_put(&shown, text);
		text = buf_as_span(&shown);
	}
	json_put_string(out, text);
	buf_release(&shown);
}

static void
put_time(struct buf *out, int64_t us)
{
	if (us == 0) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '"');
	print_when(out, us);
	buf_putc(out, '"');
}

/* `never`: what those are called of which the source has no word. */
static void
put_counts(struct buf *out, const struct counts *c, const char *never)
{
	buf_printf(out,
	    "\"total_mqtt_devices\":%ld,\"online\":%ld,\"offline\":%ld,\"error\":%ld,",
	    c->total, c->n[PRESENCE_ONLINE], c->n[PRESENCE_OFFLINE],
	    c->n[PRESENCE_ERROR]);
	if (c->split)
		buf_printf(out, "\"%s\":%ld,\"stale\":%ld,", never, c->n[PRESENCE_NEVER],
		    c->n[PRESENCE_STALE]);
	buf_puts(out, "\"percentage_online\":");
	if (c->total == 0)
		buf_puts(out, "null");
	else
		buf_printf(out, "%.2f", verdict_percent(c));
}

static const char *
state_of(const struct device_seen *s)
{
	return s->known ? presence_names[s->state] : "not_there";
}

static void
put_other(struct buf *out, const struct report *r)
{
	const char *comma = "";
	size_t i;

	buf_printf(out, ",\"verify\":{\"source\":\"%s\",", r->other);
	put_counts(out, &r->other_counts, "not_there");
	buf_printf(out, ",\"unlisted\":%ld,\"differ\":[", r->unlisted);
	for (i = 0; i < r->fleet->n; i++) {
		const struct device *d = &r->fleet->v[i];

		if (!device_table_is_disputed(d))
			continue;
		buf_printf(out, "%s{\"device_id\":", comma);
		put_text(out, d->id);
		buf_printf(out, ",\"%s\":\"%s\",\"%s\":\"%s\"}", r->source,
		    state_of(&d->reported[VIEW_SOURCE]), r->other,
		    state_of(&d->reported[VIEW_OTHER]));
		comma = ",";
	}
	buf_puts(out, "]}");
}

static void
put_groups(struct buf *out, const struct report *r)
{
	size_t i;

	buf_printf(out, ",\"by\":\"%s\",\"groups\":[", r->by);
	for (i = 0; i < r->group_count; i++) {
		buf_printf(out, "%s{\"group\":", i == 0 ? "" : ",");
		put_text(out, r->groups[i].name);
		buf_putc(out, ',');
		put_counts(out, &r->groups[i].counts, print_labels[PRESENCE_NEVER]);
		buf_printf(
		    out, ",\"state\":\"%s\"}", verdict_state_names[r->groups[i].state]);
	}
	buf_putc(out, ']');
}

void
print_json(struct buf *out, const struct report *r)
{
	buf_putc(out, '{');
	put_counts(out, &r->counts, print_labels[PRESENCE_NEVER]);
	buf_printf(out, ",\"state\":\"%s\"", verdict_state_names[r->state]);
	if (r->trouble != NULL) {
		buf_puts(out, ",\"error\":");
		put_text(out, r->trouble);
		buf_printf(out, ",\"age\":%lld", (long long)r->age);
	}
	if (r->max_age != 0) {
		buf_puts(out, ",\"last_seen\":");
		put_time(out, r->seen);
	}
	if (r->other != NULL)
		put_other(out, r);
	if (r->by != NULL)
		put_groups(out, r);
	if (r->view != NULL) {
		buf_puts(out, ",\"view\":");
		put_text(out, r->view);
	}
	buf_puts(out, "}\n");
}

void
print_json_trouble(struct buf *out, enum state state, const char *text)
{
	buf_printf(out, "{\"state\":\"%s\",\"error\":", verdict_state_names[state]);
	put_text(out, text);
	buf_puts(out, "}\n");
}

void
print_device(struct buf *out, const struct device *d, enum list_form form)
{
	const struct device_seen *s = &d->reported[VIEW_SOURCE];

	if (form == LIST_JSON) {
		put_text(out, d->id);
		return;
	}
	visible_put(out, span_of(d->id)); /* no tab, no line end */
	if (form == LIST_TSV) {
		buf_putc(out, '\t');
		print_when(out, s->since);
		buf_putc(out, '\t');
		print_when(out, s->seen);
	}
	buf_putc(out, '\n');
}
