/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/brokers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static char *
make_name(const struct session_opts *o)
{
	if (o->host[0] == '/')
		return xstrdup(o->host);
	return xasprintf(
	    strchr(o->host, ':') != NULL ? "[%s]:%d" : "%s:%d", o->host, o->port);
}

static int
open_one(struct broker *b, const struct session_opts *o, struct err *err)
{
	*b = (struct broker){.host = xstrdup(o->host),
	    .port = o->port,
	    .ws_path = o->ws_path,
	    .name = make_name(o)};
	return dial_open(&b->dial, o, err);
}

static void
close_one(struct broker *b)
{
	dial_close(&b->dial);
	free(b->name);
	free(b->host);
}

int
brokers_open(struct brokers *b, struct broker *present, const struct session_opts *o,
    struct err *err)
{
	int failed = 0;

	if (o->others_n == 0) {
		b->n = 1;
		return open_one(present, o, err);
	}
	b->all = xcalloc(o->others_n + 1, sizeof(*b->all));
	while (b->n <= o->others_n && !failed) {
		const struct session_opts one = session_opts_at(o, b->n);

		failed = open_one(&b->all[b->n++], &one, err);
	}
	*present = b->all[0];
	return failed;
}

void
brokers_go_to(struct brokers *b, struct broker *present, unsigned i)
{
	if (i == b->present)
		return;
	b->all[b->present] = *present;
	b->present = i;
	*present = b->all[i];
}

void
brokers_close(struct brokers *b, struct broker *present)
{
	unsigned i;

	if (b->all == NULL) {
		close_one(present);
		return;
	}
	b->all[b->present] = *present;
	for (i = 0; i < b->n; i++)
		close_one(&b->all[i]);
	free(b->all);
}

struct broker_where
brokers_where(const struct broker *present, const char *address)
{
	struct broker_where w;

	if (address[0] != '\0' && strcmp(address, present->host) != 0)
		snprintf(w.text, sizeof(w.text), _("'%s' at %s"), present->name, address);
	else
		snprintf(w.text, sizeof(w.text), "'%s'", present->name);
	return w;
}
