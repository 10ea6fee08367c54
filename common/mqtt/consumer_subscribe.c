/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer_int.h"
#include "mqtt/reason.h"

/* A packet identifier is a filter's number from 1. */
void
consumer_subscribe(struct consumer *c, bool forgotten)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		struct filter *f = &c->filters[i];
		int options =
		    c->link.version == 5 ? f->qos | f->retain_handling << 4 : f->qos;

		if (forgotten)
			f->answered = false;
		if (!f->answered && f->unsubscribe)
			packet_put_unsubscribe(receiver_packets(c->receiver),
			    (uint16_t)(i + 1), f->text, c->link.version);
		else if (!f->answered)
			packet_put_subscribe(receiver_packets(c->receiver),
			    (uint16_t)(i + 1), f->text, (uint8_t)options,
			    c->link.version);
	}
}

bool
consumer_is_asking(const struct consumer *c)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (!c->filters[i].answered && !c->filters[i].unsubscribe)
			return true;
	}
	return false;
}

/* When none is granted there is nothing to wait for. */
static void
look_at_answers(struct consumer *c, const struct err *why)
{
	size_t asked = 0, answered = 0, refused = 0, i;

	for (i = 0; i < c->count; i++) {
		asked += !c->filters[i].unsubscribe;
		answered += c->filters[i].answered;
		refused += c->filters[i].refused;
	}
	if (refused == asked) {
		c->refusal = *why;
		c->refusal.code = ERR_AUTH;
		consumer_stop(c);
	} else if (answered == asked && !c->ready) {
		c->ready = true;
		if (c->events.ready != NULL)
			c->events.ready(c->arg);
	}
}

void
consumer_answered(void *arg, uint16_t mid, uint8_t reason)
{
	struct consumer *c = arg;
	struct filter *f;
	struct err why = {0};

	if (mid == 0 || mid > c->count)
		return;
	f = &c->filters[mid - 1];
	f->answered = true;
	f->refused = reason_is_failure(reason);
	if (f->refused)
		reason_err_subscription(&why, f->text, reason);
	else if (reason < f->qos)
		log_warn(_("the broker grants '%s' QoS %d instead of %d%s"), f->text,
		    reason, f->qos,
		    reason == 0 ? _(": what it loses does not come again") : "");
	if (f->refused && c->count > 1 && c->events.refused != NULL)
		c->events.refused(c->arg, f->text, &why);
	look_at_answers(c, &why);
}

/* By text, and the first of the same before the others. */
static int
by_text(const void *a, const void *b)
{
	const struct consumer_filter *const *x = a, *const *y = b;
	int order = strcmp((*x)->filter, (*y)->filter);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* A filter that is given twice is one subscription: the others of the same text are marked. */
static void
find_repeated(const struct consumer_filter *filters, size_t count, bool *repeated)
{
	const struct consumer_filter **sorted = xcalloc(count + 1, sizeof(*sorted));
	size_t i;

	for (i = 0; i < count; i++)
		sorted[i] = &filters[i];
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (i = 1; i < count; i++)
		repeated[sorted[i] - filters] =
		    strcmp(sorted[i - 1]->filter, sorted[i]->filter) == 0;
	free(sorted);
}

int
consumer_add_filters(struct consumer *c, const struct consumer_filter *filters,
    size_t count, struct err *err)
{
	bool *repeated = xcalloc(count + 1, sizeof(*repeated));
	size_t i;
	int failed = 0;

	c->filters = xcalloc(count + 1, sizeof(*c->filters));
	if (count > UINT16_MAX)
		failed = err_set(err, ERR_USAGE,
		    _("%zu filters are too many: at most %d"), count, UINT16_MAX);
	else
		find_repeated(filters, count, repeated);
	for (i = 0; i < count && !failed; i++) {
		failed = topic_check_filter(filters[i].filter, err);
		if (!failed && !repeated[i])
			c->filters[c->count++] =
			    (struct filter){.text = xstrdup(filters[i].filter),
				.qos = filters[i].qos,
				.retain_handling = filters[i].retain_handling,
				.unsubscribe = filters[i].unsubscribe};
	}
	free(repeated);
	return failed;
}
