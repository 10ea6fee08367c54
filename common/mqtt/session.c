/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "mqtt/session_int.h"

enum { LEAST_KEEPALIVE = 5 };

static char *
make_id(const char *given)
{
	unsigned chance = 0;

	if (given != NULL)
		return xstrdup(given);
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (unsigned)clock_wall_us();
	return xasprintf("%s-%08x", log_name(), chance);
}

struct session *
session_new(struct loop *loop, const struct session_opts *o,
    const struct session_events *events, void *arg, struct err *err)
{
	struct session *s;

	/* With an id of no bytes mosquitto_new closes descriptor 0. */
	if (o->client_id != NULL && o->client_id[0] == '\0') {
		err_set(err, ERR_USAGE, _("the client id is empty"));
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->opts = *o;
	s->opts.host = xstrdup(o->host);
	if (s->opts.keepalive < LEAST_KEEPALIVE)
		s->opts.keepalive = LEAST_KEEPALIVE;
	s->events = *events;
	s->arg = arg;
	s->version = o->version == 4 ? 4 : 5;
	s->name = o->host[0] == '/'        ? xstrdup(o->host)
	    : strchr(o->host, ':') != NULL ? xasprintf("[%s]:%d", o->host, o->port)
					   : xasprintf("%s:%d", o->host, o->port);
	s->id = make_id(o->client_id);
	s->url = xasprintf("%s%s://%s%s", o->session_ws_path != NULL ? "ws" : "mqtt",
	    o->tls ? "s" : "", s->name,
	    o->session_ws_path != NULL ? o->session_ws_path : "");
	if (session_tls_open(s, o, err) == 0 && session_wire_open(s, o, err) == 0)
		return s;
	session_free(s);
	return NULL;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_fsm_halt(s);
	session_wire_close(s);
	tls_free(s->tls);
	session_ws_close(s);
	free(s->tls_log);
	free(s->why);
	session_queue_release(&s->outs);
	buf_release(&s->rest);
	session_subs_release(&s->subs);
	strv_release(&s->addresses);
	free((void *)(uintptr_t)s->opts.host);
	free(s->name);
	free(s->url);
	free(s->id);
	free(s);
}

bool
session_is_up(const struct session *s)
{
	return s->state == SESSION_UP;
}

int
session_version(const struct session *s)
{
	return s->version;
}

const char *
session_broker(const struct session *s)
{
	return s->url;
}
