/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/login/pick_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/broker_address.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/tty.h"
#include "iotctl/core/view.h"

/* *username may be NULL: it is not asked for. */
static char *
url_of(struct span broker, char **username)
{
	struct broker_address a;
	struct err ignored;
	char *url;

	broker_address_read(&a, broker, &ignored);
	url = broker_address_url(&a);
	if (username != NULL)
		*username = xstrdup(a.username != NULL ? a.username : "");
	broker_address_release(&a);
	return url;
}

static void
list_brokers(const struct objects *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++) {
		struct span broker = buf_as_span(&all->v[i]);
		char *name, *url;

		if (!view_member_is(broker, "is_active", "true"))
			continue;
		name = view_text_of(broker, "nombre");
		url = url_of(broker, NULL);
		log_warn("%zu) %s (%s)", ++n, name, url);
		free(url);
		free(name);
	}
}

static struct span
nth_active(const struct objects *all, long n)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		struct span broker = buf_as_span(&all->v[i]);

		if (view_member_is(broker, "is_active", "true") && --n == 0)
			return broker;
	}
	return (struct span){0};
}

void
pick_broker(struct ctl *c, char **url, char **username)
{
	struct objects all = {0};
	struct err ignored = {0};
	struct span chosen;
	char *answer = NULL;
	int failed;

	*url = *username = NULL;
	/* Who may not see brokers can log in all the same. */
	if (!tty_is_there() || objects_fetch(c, "broker", "", &all, &ignored) ||
	    nth_active(&all, 1).p == NULL) {
		objects_release(&all);
		return;
	}
	list_brokers(&all);
	failed = tty_ask(_("the broker of this context, by its number (Enter: none)"),
	    false, &answer, &ignored);
	chosen = nth_active(&all, failed ? 0 : strtol(answer, NULL, 10));
	if (chosen.p != NULL)
		*url = url_of(chosen, username);
	free(answer);
	objects_release(&all);
}
