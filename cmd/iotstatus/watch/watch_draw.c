/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture: head, fleet, last hour, traffic, and two lists side by side. */
#include "iotstatus/watch/watch_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotstatus/print/print.h"

/* Below COLUMNS_BOTH there is room for one list with whole ids. */
enum { HEAD = 8, ROWS_LEAST = 12, COLUMNS_LEAST = 40, COLUMNS_BOTH = 72, LABEL = 12 };

static const char *const sort_names[SORTS] = {
    [SORT_OFFLINE] = N_("OFFLINE LONGEST"),
    [SORT_CHANGED] = N_("BY LAST CHANGE"),
    [SORT_NAME] = N_("BY NAME"),
    [SORT_STATE] = N_("BY STATE"),
};

static const enum style styles[PRESENCES] = {
    [PRESENCE_ONLINE] = STYLE_GOOD,
    [PRESENCE_OFFLINE] = STYLE_BAD,
    [PRESENCE_ERROR] = STYLE_BAD,
    [PRESENCE_NEVER] = STYLE_DIM,
    [PRESENCE_STALE] = STYLE_DOUBT,
};

/* Full and partial blocks, or ASCII for terminals without them. */
static const char *
block(const struct screen *s, int eighths)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", "_", "_", ".", "-", "=", "+", "*", "#"};

	return screen_is_utf8(s) ? blocks[eighths] : ascii[eighths];
}

static void
fill(struct screen *s, int row, int column, int width, enum style style, const char *text)
{
	int i;

	for (i = 0; i < width; i++)
		screen_put(s, row, column + i, 1, style, text);
}

static void
draw_title(struct screen *s, const struct watch_headline *h, int64_t now)
{
	int columns = screen_columns(s);
	struct buf when = {0};

	print_when_local(&when, now);
	fill(s, 0, 0, columns, STYLE_REVERSE, " ");
	screen_printf(
	    s, 0, 1, columns - (int)when.n - 3, STYLE_REVERSE, "iotstatus  %s", h->where);
	screen_put(
	    s, 0, columns - (int)when.n - 1, (int)when.n, STYLE_REVERSE, buf_str(&when));
	buf_release(&when);
}

/* A part of the bar for each state, as long as its share. */
static void
draw_bar(struct screen *s, const struct counts *c)
{
	static const char *const ascii[PRESENCES] = {"#", "-", "!", ".", "?"};
	static const char *const marks[PRESENCES] = {"█", "░", "▓", "·", "▒"};
	char text[64];
	int width = screen_columns(s) - 2 - LABEL - 9, at = 1 + LABEL, i;
	long sum = 0;

	screen_put(s, 2, 1, LABEL, STYLE_BOLD, _("fleet"));
	if (c->total == 0) {
		screen_put(s, 2, at, width, STYLE_PLAIN, _("no devices speak MQTT"));
		return;
	}
	for (i = 0; i < PRESENCES; i++) {
		int end;

		sum += c->n[i];
		end = 1 + LABEL +
		    (int)((double)width * (double)sum / (double)c->total + 0.5);
		fill(s, 2, at, end - at, styles[i],
		    screen_is_utf8(s) ? marks[i] : ascii[i]);
		at = end;
	}
	snprintf(text, sizeof(text), "%7.2f%%", verdict_percent(c));
	screen_put(s, 2, screen_columns(s) - 9, 8, STYLE_BOLD, text);
}

static void
draw_counts(struct screen *s, const struct counts *c)
{
	int at = 1 + LABEL, i;

	screen_put(s, 3, 1, LABEL, STYLE_BOLD, _("devices"));
	at = screen_printf(s, 3, at, 20, STYLE_BOLD, "%ld", c->total) + 2;
	for (i = 0; i < PRESENCES; i++) {
		at = screen_printf(
		    s, 3, at, 30, styles[i], "%s %ld", presence_names[i], c->n[i]);
		at += 2;
	}
}

/* The mean of the samples of one column of `width`, the newest at the right; < 0: none. */
static double
column_mean(const struct watch_model *m, int column, int width)
{
	size_t from = (size_t)(width - 1 - column) * WATCH_HOUR / (size_t)width;
	size_t to = (size_t)(width - column) * WATCH_HOUR / (size_t)width, i;
	double sum = 0;
	int n = 0;

	for (i = from; i < to && i < m->samples; i++) {
		float v = m->hour[(m->samples - 1 - i) % WATCH_HOUR];

		if (v >= 0) {
			sum += (double)v;
			n++;
		}
	}
	return n == 0 ? -1 : sum / n;
}

/* From the least to the most of the hour, but never less than five points of a hundred. */
static void
draw_hour(struct screen *s, const struct watch_model *m)
{
	int width = screen_columns(s) - 2 - LABEL - 17, i;
	double low = 101, high = -1;

	screen_put(s, 4, 1, LABEL, STYLE_BOLD, _("last hour"));
	for (i = 0; i < width; i++) {
		double v = column_mean(m, i, width);

		if (v < 0)
			continue;
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	if (high < 0)
		return;
	for (i = 0; i < width; i++) {
		double v = column_mean(m, i, width);
		double span = high - low < 5 ? 5 : high - low;
		double floor = high - span < 0 ? 0 : high - span;

		if (v >= 0)
			screen_put(s, 4, 1 + LABEL + i, 1, STYLE_GOOD,
			    block(s, 1 + (int)(7 * (v - floor) / span + 0.5)));
	}
	screen_printf(
	    s, 4, screen_columns(s) - 17, 16, STYLE_PLAIN, "%6.2f-%.2f%%", low, high);
}

static void
draw_traffic(struct screen *s, const struct watch_model *m)
{
	int at = 1 + LABEL, t;

	screen_put(s, 5, 1, LABEL, STYLE_BOLD, _("messages/s"));
	for (t = 0; t < TRAFFICS; t++)
		at = screen_printf(s, 5, at, 30, STYLE_PLAIN, "%s %.1f",
			 watch_model_traffic_names[t],
			 watch_model_rate(m, (enum traffic)t)) +
		    2;
}

static bool
is_wanted(const struct watch_choice *c, const struct device *d)
{
	return c->filter[0] == '\0' || strcasestr(d->id, c->filter) != NULL;
}

static void
draw_changes(struct screen *s, const struct watch_model *m, const struct watch_choice *c,
    int width)
{
	int row = HEAD;
	size_t i;

	screen_put(s, HEAD - 1, 1, width, STYLE_BOLD, _("CHANGED LAST"));
	for (i = 0; i < m->change_count && i < WATCH_CHANGES && row < HEAD + c->lines;
	     i++) {
		const struct watch_change *x =
		    &m->changes[(m->change_count - 1 - i) % WATCH_CHANGES];
		const struct device *d = &m->fleet->v[x->device];
		time_t when = (time_t)x->when;
		struct tm tm = {0};
		int at;

		if (!is_wanted(c, d))
			continue;
		localtime_r(&when, &tm);
		at = screen_printf(s, row, 1, width, STYLE_DIM, "%02d:%02d:%02d ",
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
		at = screen_put(s, row, at, width - 9 - 16, STYLE_PLAIN, d->id) + 1;
		at = screen_put(s, row, at, width + 1 - at, styles[x->from],
			 presence_names[x->from]) +
		    1;
		screen_printf(s, row++, at, width + 1 - at, styles[x->to], "> %s",
		    presence_names[x->to]);
	}
}

/* qsort takes no argument: what is sorted by stands in front of the index. */
struct entry {
	int64_t key;
	const char *id;
	uint32_t device;
};

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* Smaller comes first. Offline longest: those that were lost, then those that never came. */
static int64_t
key_of(const struct watch_model *m, size_t device, enum sort sort)
{
	static const int weight[PRESENCES] = {
	    [PRESENCE_ERROR] = 0,
	    [PRESENCE_OFFLINE] = 1,
	    [PRESENCE_STALE] = 2,
	    [PRESENCE_NEVER] = 3,
	    [PRESENCE_ONLINE] = 4,
	};
	enum presence state = m->shown[device];
	int64_t since = watch_model_since(m, device);

	switch (sort) {
	case SORT_OFFLINE:
		return state == PRESENCE_NEVER || since == 0 ? INT64_MAX : since;
	case SORT_CHANGED: return -since;
	case SORT_STATE: return weight[state];
	default: return 0;
	}
}

static struct entry *
sorted(const struct watch_model *m, const struct watch_choice *c, int *count)
{
	struct entry *v = xcalloc(m->known + 1, sizeof(*v));
	size_t i, n = 0;

	for (i = 0; i < m->known; i++) {
		const struct device *d = &m->fleet->v[i];

		if (m->shown[i] == PRESENCES || !is_wanted(c, d))
			continue;
		if (c->sort == SORT_OFFLINE && m->shown[i] == PRESENCE_ONLINE)
			continue;
		v[n++] = (struct entry){key_of(m, i, c->sort), d->id, (uint32_t)i};
	}
	qsort(v, n, sizeof(*v), by_key);
	*count = (int)n;
	return v;
}

static void
draw_device(struct screen *s, const struct watch_model *m, int row, int column, int width,
    size_t device, int64_t now)
{
	enum presence state = m->shown[device];
	int64_t since = watch_model_since(m, device);
	struct buf age = {0};

	if (state == PRESENCE_NEVER || since == 0)
		buf_putc(&age, '-');
	else
		print_age(&age, (now - since) / 1000000);
	screen_put(s, row, column, width - 18, STYLE_PLAIN, m->fleet->v[device].id);
	screen_put(s, row, column + width - 17, 8, styles[state], presence_names[state]);
	screen_printf(s, row, column + width - 8, 8, STYLE_PLAIN, "%8s", buf_str(&age));
	buf_release(&age);
}

static void
draw_list(struct screen *s, const struct watch_model *m, struct watch_choice *c,
    int column, int width, int64_t now)
{
	struct entry *v = sorted(m, c, &c->count);
	int i;

	if (c->top > c->count - c->lines)
		c->top = c->count > c->lines ? c->count - c->lines : 0;
	i = screen_put(s, HEAD - 1, column, width, STYLE_BOLD, _(sort_names[c->sort]));
	screen_printf(s, HEAD - 1, i + 1, column + width - i - 1, STYLE_DIM,
	    _("%d-%d of %d"), c->count == 0 ? 0 : c->top + 1,
	    c->top + c->lines < c->count ? c->top + c->lines : c->count, c->count);
	for (i = 0; i < c->lines && c->top + i < c->count; i++)
		draw_device(s, m, HEAD + i, column, width, v[c->top + i].device, now);
	free(v);
}

static void
draw_foot(struct screen *s, const struct watch_choice *c, const struct watch_headline *h)
{
	int row = screen_rows(s) - 1, columns = screen_columns(s);

	fill(s, row, 0, columns, STYLE_REVERSE, " ");
	if (c->typing)
		screen_printf(s, row, 1, columns - 2, STYLE_REVERSE, "/%s_", c->filter);
	else if (c->filter[0] != '\0')
		screen_printf(s, row, 1, columns - 2, STYLE_REVERSE,
		    _("filter '%s': Esc clears   q quit  s sort  arrows scroll"),
		    c->filter);
	else
		screen_put(s, row, 1, columns - 2, STYLE_REVERSE,
		    _("q quit  / filter  s sort  arrows scroll"));
	if (h->trouble[0] != '\0')
		screen_put(s, 6, 1, columns - 2, STYLE_BAD, h->trouble);
}

void
watch_draw(struct screen *s, const struct watch_model *m, struct watch_choice *c,
    const struct watch_headline *h, int64_t now)
{
	int columns = screen_columns(s), rows = screen_rows(s);
	int left = columns < COLUMNS_BOTH ? -2 : columns / 2 - 2;

	screen_begin(s);
	if (rows < ROWS_LEAST || columns < COLUMNS_LEAST) {
		screen_printf(s, 0, 0, columns, STYLE_PLAIN, "%.2f%%",
		    m->counts.total > 0 ? verdict_percent(&m->counts) : 0);
		screen_printf(s, 1, 0, columns, STYLE_PLAIN, _("wants %dx%d"),
		    COLUMNS_LEAST, ROWS_LEAST);
		return;
	}
	c->lines = rows - HEAD - 1;
	draw_title(s, h, now);
	draw_bar(s, &m->counts);
	draw_counts(s, &m->counts);
	draw_hour(s, m);
	draw_traffic(s, m);
	if (left > 0)
		draw_changes(s, m, c, left);
	draw_list(s, m, c, left + 3, columns - left - 4, now);
	draw_foot(s, c, h);
}
