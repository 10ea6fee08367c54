/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which driver, and nobody else meanwhile. */
#include <stdlib.h>
#include <unistd.h>

#include "iotctl/sync/sync.h"
#include "iotctl/sync/sync_lock.h"

/* In the order of --driver's words. */
static const struct sync_driver *const drivers[] = {
    &sync_files, &sync_dynsec, &sync_emqx};

static void
release(struct sync *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct sync_user *u = &s->v[i];

		free(u->username);
		free(u->device);
		free(u->hash);
		free(u->hash_there);
		free(u->rules);
		free(u->rules_there);
	}
	free(s->v);
	hash_table_release(&s->index);
	sent_secrets_end(&s->sent);
	access_release(&s->access);
	password_file_release(&s->passwords);
	topic_set_release(&s->topics);
	view_release(&s->view);
	free(s->name);
	if (s->lock >= 0)
		close(s->lock);
}

const struct sync_driver *
sync_driver(const struct ctl *c)
{
	return opt_source_of(c->set, offsetof(struct args, driver)) != OPT_FROM_BUILTIN
	    ? drivers[c->args->driver]
	    : NULL;
}

int
sync_begin(struct sync *s, struct err *err)
{
	const char *context = s->c->args->common.context;

	s->driver = sync_driver(s->c);
	s->held = s->lock = -1;
	if (!s->c->args->dry_run)
		s->held = sync_lock_context(context != NULL ? context : "default", err);
	if (!s->c->args->dry_run && s->held < 0)
		return -1;
	if (s->driver->open(s, err))
		return -1;
	sent_secrets_load(&s->sent, s->c, "synced");
	return 0;
}

void
sync_end(struct sync *s)
{
	s->driver->close(s);
	release(s);
	if (s->held >= 0)
		close(s->held);
}
