/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "mqtt/consumer_int.h"
#include "mqtt/reason.h"

enum {
	TRIES = 10,         /* identifiers that may be in use */
	COMPARED = 1000,    /* filters */
	SUBSCRIBE_MORE = 11 /* bytes of a SUBSCRIBE besides the filter, at most */
};

static bool
is_shared(const struct filter *f)
{
	return !f->unsubscribe && strncmp(f->text, "$share/", 7) == 0;
}

const char *
consumer_share(const struct consumer *c)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (is_shared(&c->filters[i]))
			return c->filters[i].text;
	}
	return NULL;
}

/* What stands behind $share/NAME/. */
static const char *
filter_of_share(const struct filter *f)
{
	return strchrnul(f->text + strlen("$share/"), '/') + 1;
}

bool
consumer_share_brought(const struct consumer *c, const struct msg *m, size_t n)
{
	size_t i, k;

	for (i = 0; i < c->count; i++) {
		for (k = 0; k < n && is_shared(&c->filters[i]); k++) {
			if (topic_filter_matches(
				filter_of_share(&c->filters[i]), m[k].topic))
				return true;
		}
	}
	return false;
}

/* What CONNACK says that the broker does not have (3.2.2.3), as the reason that a SUBACK would give. */
static uint8_t
excluded(const struct consumer *c, const struct filter *f)
{
	const struct packet_connack *can = receiver_connack(c->receiver);

	if (f->unsubscribe)
		return REASON_SUCCESS;
	if (can->shared.given && can->shared.v == 0 && is_shared(f))
		return REASON_NO_SHARED_SUBSCRIPTIONS;
	if (can->wildcards.given && can->wildcards.v == 0 &&
	    strpbrk(f->text, "+#") != NULL)
		return REASON_NO_WILDCARDS;
	if (can->packet_most.given &&
	    strlen(f->text) + SUBSCRIBE_MORE > can->packet_most.v)
		return REASON_PACKET_TOO_LARGE;
	return REASON_SUCCESS;
}

/* A packet identifier is a filter's number from 1, or, where that is in use, so many times their number more. */
static void
ask(struct consumer *c, size_t i)
{
	const struct filter *f = &c->filters[i];
	const int version = c->link.version;
	const uint16_t mid = (uint16_t)(i + 1 + f->tries * c->count);

	if (f->unsubscribe)
		packet_put_unsubscribe(
		    receiver_packets(c->receiver), mid, f->text, version);
	else
		packet_put_subscribe(receiver_packets(c->receiver), mid, f->text,
		    (uint8_t)(version == 5 ? f->qos | f->retain_handling << 4 : f->qos),
		    version);
}

void
consumer_subscribe(struct consumer *c, bool forgotten)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		if (forgotten)
			c->filters[i].answered = false;
		c->filters[i].tries = 0;
		if (!c->filters[i].answered &&
		    excluded(c, &c->filters[i]) == REASON_SUCCESS)
			ask(c, i);
	}
}

void
consumer_answer_excluded(struct consumer *c)
{
	size_t i;

	for (i = 0; i < c->count; i++) {
		const uint8_t reason = excluded(c, &c->filters[i]);

		if (!c->filters[i].answered && reason != REASON_SUCCESS)
			consumer_answered(c, (uint16_t)(i + 1), reason);
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
	size_t i;

	if (mid == 0 || c->count == 0)
		return;
	i = (mid - 1U) % c->count;
	f = &c->filters[i];
	if (i + 1 + f->tries * c->count != mid)
		return;
	if (reason == REASON_IDENTIFIER_IN_USE && f->tries < TRIES &&
	    mid + c->count <= UINT16_MAX) {
		f->tries++;
		ask(c, i);
		return;
	}
	f->answered = true;
	f->refused = reason_is_failure(reason);
	if (f->refused)
		reason_err_subscription(&why, f->text, reason);
	else if (reason < f->qos)
		log_warn(reason != 0
			? _("the broker grants '%s' QoS %d instead of %d")
			: _("the broker grants '%s' QoS %d instead of %d: what it loses "
			    "does not come again"),
		    f->text, reason, f->qos);
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

/* Of the first pair; each is compared with each, so that there is a limit. */
void
consumer_warn_of_overlap(const struct consumer *c)
{
	const size_t most = c->count < COMPARED ? c->count : COMPARED;
	size_t i, k;

	for (i = 0; i < most; i++) {
		for (k = 0; k < i && !c->filters[i].unsubscribe; k++) {
			if (c->filters[k].unsubscribe ||
			    !topic_filters_overlap(
				c->filters[k].text, c->filters[i].text))
				continue;
			log_warn(_("'%s' and '%s' overlap: what both match may come "
				   "twice, as from EMQX and mosquitto 2.1"),
			    c->filters[k].text, c->filters[i].text);
			return;
		}
	}
}

int
consumer_add_filters(struct consumer *c, const struct consumer_filter *filters,
    size_t count, struct err *err)
{
	bool *repeated = xcalloc(count + 1, sizeof(*repeated));
	struct filter *made = xcalloc(count + 1, sizeof(*made));
	size_t i, n = 0;
	int failed = 0;

	if (count > UINT16_MAX)
		failed = err_set(err, ERR_USAGE,
		    _("%zu filters are too many: at most %d"), count, UINT16_MAX);
	else
		find_repeated(filters, count, repeated);
	for (i = 0; i < count && !failed; i++) {
		failed = topic_check_filter(filters[i].filter, err);
		if (!failed && !repeated[i])
			made[n++] = (struct filter){.text = xstrdup(filters[i].filter),
			    .qos = filters[i].qos,
			    .retain_handling = filters[i].retain_handling,
			    .unsubscribe = filters[i].unsubscribe};
	}
	free(repeated);
	if (failed) {
		consumer_free_filters(made, n);
		return failed;
	}
	c->filters = made;
	c->count = n;
	return 0;
}

static int
filter_by_text(const void *a, const void *b)
{
	const struct filter *x = *(struct filter *const *)a,
			    *y = *(struct filter *const *)b;

	return strcmp(x->text, y->text);
}

/* To be found by bsearch; free. */
static struct filter **
sort_filters(struct filter *filters, size_t count)
{
	struct filter **sorted = xcalloc(count + 1, sizeof(*sorted));
	size_t i;

	for (i = 0; i < count; i++)
		sorted[i] = &filters[i];
	qsort(sorted, count, sizeof(struct filter *), filter_by_text);
	return sorted;
}

void
consumer_replace_filters(struct consumer *c, struct filter *old, size_t count)
{
	struct filter **sorted = sort_filters(old, count);
	size_t i, n = c->count;

	for (i = 0; i < n; i++) {
		struct filter *now = &c->filters[i], **was;

		was =
		    bsearch(&now, sorted, count, sizeof(struct filter *), filter_by_text);
		if (was == NULL || now->unsubscribe)
			continue;
		if (!(*was)->unsubscribe) {
			now->answered = (*was)->answered;
			now->refused = (*was)->refused;
		}
		(*was)->refused = true; /* below: not to be given up */
	}
	c->filters = xreallocarray(c->filters, n + count + 1, sizeof(*c->filters));
	/* Those that were to be given up before, too, unless this connection has told the broker. */
	for (i = 0; i < count; i++) {
		if (old[i].refused || (old[i].unsubscribe && consumer_is_up(c)) ||
		    c->count == UINT16_MAX)
			continue;
		c->filters[c->count++] =
		    (struct filter){.text = xstrdup(old[i].text), .unsubscribe = true};
	}
	free(sorted);
	consumer_free_filters(old, count);
}

void
consumer_free_filters(struct filter *filters, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(filters[i].text);
	free(filters);
}
