/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotingest/subscriptions.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/topic_set.h"

/* The guide's templates capture from topics of filters that have no variables. */
static bool
captures(const struct topic *t)
{
	int var;

	for (var = 0; var < TOPIC_VARS; var++) {
		if (topic_has(t, (enum topic_var)var))
			return true;
	}
	return false;
}

/* Those that capture first, in the order in which they were given. */
static void
find_captures(struct subscriptions *f)
{
	size_t i, j;

	for (i = 0; i < f->n; i++) {
		struct topic *t = f->templates[i];

		if (!captures(t))
			continue;
		for (j = i; j > f->topics.mores; j--)
			f->templates[j] = f->templates[j - 1];
		f->templates[f->topics.mores++] = t;
	}
	f->topics.more = f->templates;
}

/* MQTT 5, 3.8.3.1: a session that is kept has its subscriptions already, and so what the broker had retained. Who
 * wants nothing else wants it at each start. */
enum { RETAIN_SEND = 0, RETAIN_ONCE = 1, RETAIN_NEVER = 2 };

static int
retain_handling(const struct args *a)
{
	static const int by_choice[] = {[RETAINED_KEEP] = RETAIN_ONCE,
	    [RETAINED_SKIP] = RETAIN_NEVER,
	    [RETAINED_ONLY] = RETAIN_SEND};

	return by_choice[a->retained];
}

static int
add(struct subscriptions *f, const struct args *a, const char *text, struct err *err)
{
	struct consumer_filter *to = &f->v[f->n];
	char *filter;

	if (topic_compile(&f->templates[f->n], text, err))
		return -1;
	filter = topic_filter(f->templates[f->n]);
	to->filter =
	    a->group != NULL ? xasprintf("$share/%s/%s", a->group, filter) : filter;
	if (a->group != NULL)
		free(filter);
	to->qos = a->qos;
	to->retain_handling = retain_handling(a);
	f->n++;
	return 0;
}

int
subscriptions_make(struct subscriptions *f, const struct args *a,
    const struct strv *platform, struct err *err)
{
	const struct strv *texts = a->from_platform ? platform : &a->templates;
	size_t count = texts->n != 0 ? texts->n : 1;
	size_t i;

	*f = (struct subscriptions){0};
	if (topic_set_compile(&f->topics, &a->topics, err))
		return -1;
	f->topics.strict = a->strict;
	f->templates = xcalloc(count, sizeof(*f->templates));
	f->v = xcalloc(count, sizeof(*f->v));
	for (i = 0; i < count; i++) {
		if (add(f, a, texts->n != 0 ? texts->v[i] : topic_text(f->topics.data),
			err))
			return -1;
	}
	find_captures(f);
	return 0;
}

void
subscriptions_release(struct subscriptions *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		topic_free(f->templates[i]);
		free((char *)f->v[i].filter);
	}
	free(f->templates);
	free(f->v);
	topic_set_release(&f->topics);
}
