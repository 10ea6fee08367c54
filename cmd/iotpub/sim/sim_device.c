/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device: its session and status. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/sim.h"

enum { STATUS_QOS = 1, COMMAND_QOS = 1 };

/* When a run with --seed begins: the date of the guide's example. */
enum { SEED_TIME = 1760000000 };

int
sim_device_expand(
    const struct topic *t, const char *id, int64_t now, char **out, struct err *err)
{
	char text[24];
	struct topic_vars vars = {.v = {[TOPIC_DEVICE_ID] = span_of(id)}};

	if (topic_has(t, TOPIC_TIMESTAMP)) {
		snprintf(text, sizeof(text), "%lld", (long long)now);
		vars.v[TOPIC_TIMESTAMP] = span_of(text);
	}
	return topic_expand(t, &vars, out, err);
}

void
sim_device_publish(struct sim_device *d, const struct session_pub *p)
{
	struct err err = {0};
	int id;

	if (session_publish(d->session, p, &id, &err))
		log_warn("%s: %s", d->id, err.text);
	else
		d->act->given++;
}

int64_t
sim_device_time(const struct sim_device *d)
{
	if (d->act->a->seed == 0)
		return time(NULL);
	return SEED_TIME + d->sent * d->profile->interval / 1000;
}

static void
publish_status(struct sim_device *d, const char *status)
{
	struct buf payload = {0};

	if (d->act->a->no_status)
		return;
	payload_status(&payload, d->id, status, sim_device_time(d));
	sim_device_publish(d,
	    &(struct session_pub){.topic = d->status_topic,
		.payload = buf_as_span(&payload),
		.qos = STATUS_QOS,
		.retain = true});
	buf_release(&payload);
}

static void
begin(struct sim_device *d)
{
	d->was_up = true;
	sim_connected(d);
	sim_reading_begin(d);
}

static void
set_up(struct sim_device *d, bool up)
{
	if (d->up && !up)
		d->act->up--;
	else if (!d->up && up)
		d->act->up++;
	d->up = up;
}

static void
on_up(void *arg, bool present)
{
	struct sim_device *d = arg;

	(void)present;
	set_up(d, true);
	if (d->leaving)
		return;
	log_info(_("%s: connected to %s"), d->id, session_broker(d->session));
	d->act->told = (struct err){0};
	publish_status(d, "connected");
	if (!d->was_up)
		begin(d);
}

static void
on_down(void *arg, const struct err *why)
{
	struct sim_device *d = arg;

	set_up(d, false);
	d->act->losses++;
	sim_tell(d, why);
}

void
sim_device_drop(struct sim_device *d)
{
	const size_t left = session_unacknowledged(d->session);

	set_up(d, false);
	d->act->outcome.unacknowledged += left;
	d->act->dropped += left;
	session_free(d->session);
	d->session = NULL;
}

static void
on_ended(void *arg, const struct err *why)
{
	struct sim_device *d = arg;
	struct err reason = *why; /* the session's own goes with it */

	loop_timer_stop(&d->timer);
	loop_timer_stop(&d->flap);
	sim_device_drop(d);
	if (d->denied != ERR_OK)
		err_set(&reason, d->denied, _("may not subscribe to '%s'"),
		    d->commands_topic);
	if (reason.code != ERR_OK && reason.code != ERR_TIMEOUT)
		sim_failed(d, &reason);
	else
		sim_over(d);
}

static void
on_message(void *arg, const struct msg *m)
{
	struct sim_device *d = arg;

	if (sim_commands_message(d, m) == 0)
		session_release_acks(d->session);
}

/* The last word comes when all before it is acknowledged: a broker may hand on a QoS 2 message later
 * than one of QoS 1 that followed it. While the connection is down the will has told already. */
static void
say_goodbye(struct sim_device *d)
{
	if (!d->finishing || d->said_goodbye ||
	    (d->commands.handling > 0 && !d->at_once) ||
	    session_unacknowledged(d->session) > 0)
		return;
	d->said_goodbye = true;
	if (session_is_up(d->session))
		publish_status(d, "disconnected");
	session_stop(d->session, d->act->a->drain);
}

static void
on_published(void *arg, int id, int reason)
{
	struct sim_device *d = arg;

	(void)id;
	outcome_published(&d->act->outcome, reason);
	if (d->moving)
		sim_device_move(d);
	else if (d->flapping)
		sim_device_flap(d);
	say_goodbye(d);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct sim_device *d = arg;

	(void)qos;
	if (why->code == ERR_OK) {
		log_info(_("%s: listens to '%s'"), d->id, filter);
		return;
	}
	d->denied = why->code;
	sim_device_finish(d, true);
}

static const struct session_events events = {.up = on_up,
    .down = on_down,
    .ended = on_ended,
    .message = on_message,
    .published = on_published,
    .subscribed = on_subscribed};

/* A login on the command line is meant; the file's is a default. */
void
sim_device_login(const struct sim_device *d, struct session_opts *out)
{
	const struct credential *c = d->login;

	if (c == NULL)
		return;
	if (c->username != NULL && !d->act->login_given) {
		out->username = c->username;
		out->password = c->password;
	}
	if (c->cert != NULL) {
		out->cert = c->cert;
		out->key = c->key;
		out->tls = true;
		out->shared_tls = NULL;
	}
}

void
sim_device_make(struct sim_device *d)
{
	struct sim *t = d->act;
	struct session_opts o = t->opts;
	struct buf will = {0};
	struct err err = {0};

	o.client_id = d->client_id;
	o.fleet = (int)t->n;
	o.retry |= d->was_up;
	o.hold_acks = t->a->listen;
	inventory_login(t, d->profile, &o);
	sim_device_login(d, &o);
	payload_status(&will, d->id, "disconnected", -1);
	if (!t->a->no_status) {
		o.will_topic = d->status_topic;
		o.will_payload = buf_as_span(&will);
		o.will_qos = STATUS_QOS;
		o.will_retain = true;
	}
	d->session = session_new(t->loop, &o, &events, d, &err);
	buf_release(&will);
	if (d->session == NULL)
		sim_failed(d, &err);
	else if (t->a->listen &&
	    session_subscribe(d->session, d->commands_topic, COMMAND_QOS, false, &err))
		log_err(&err);
}

void
sim_device_start(struct sim_device *d)
{
	d->started = true;
	session_start(d->session);
}

static void
on_drained(void *arg)
{
	struct sim_device *d = arg;

	d->said_goodbye = true;
	session_stop(d->session, 0);
}

void
sim_device_finish(struct sim_device *d, bool at_once)
{
	if (!d->finishing) /* else it is --drain's */
		loop_timer_stop(&d->timer);
	d->leaving = true;
	d->at_once |= at_once;
	if (d->finishing || d->session == NULL || !d->started ||
	    (d->commands.handling > 0 && !at_once))
		return;
	loop_timer_stop(&d->flap);
	sim_reading_flush(d);
	d->finishing = true;
	loop_timer_set(d->act->loop, &d->timer, d->act->a->drain, on_drained, d);
	say_goodbye(d);
}

void
sim_device_handled(struct sim_device *d)
{
	if (d->finishing && d->session != NULL)
		say_goodbye(d);
	else if (d->leaving)
		sim_device_finish(d, false);
}

static int
take_client_id(struct sim_device *d, struct err *err)
{
	struct sim *t = d->act;

	d->login = credentials_find(&t->credentials, d->id);
	/* `iotpub RPI_001 temperature` names two devices: the second one is told apart here. */
	if (d->login == NULL && t->credentials.n > 0 && !t->login_given)
		log_warn(
		    _("device '%s' is not in the credentials file: it takes the login "
		      "of the connection"),
		    d->id);
	d->client_id = d->id;
	if (t->opts.client_id != NULL)
		d->client_id = t->opts.client_id;
	else if (d->login != NULL && d->login->client_id != NULL)
		d->client_id = d->login->client_id;
	if (topic_check_id(span_of(d->client_id), _("client id"), err))
		return err_in(err, _("device '%s'"), d->id);
	return 0;
}

int
sim_device_init(
    struct sim_device *d, struct sim *t, size_t number, const char *id, struct err *err)
{
	int failed;

	*d = (struct sim_device){.act = t,
	    .profile = inventory_profile(t, id),
	    .id = id,
	    .random = model_random_start(t->seed, number),
	    .timing = model_random_start(~t->seed, number),
	    .mischief = model_random_start(t->seed ^ 0x5555, number)};
	d->walks = sensors_walks(d->profile->sensors);
	failed = topic_check_id(span_of(id), _("device id"), err) ||
	    take_client_id(d, err) ||
	    sim_device_expand(d->profile->data, id, 0, &d->data_topic, err) ||
	    sim_device_expand(t->topics.status, id, 0, &d->status_topic, err) ||
	    (t->a->listen &&
		(sim_device_expand(t->topics.commands, id, 0, &d->commands_topic, err) ||
		    sim_device_expand(
			t->topics.responses, id, 0, &d->responses_topic, err)));
	d->commands = (struct responder_device){
	    .id = id, .responses = d->responses_topic, .session = &d->session};
	return failed ? -1 : 0;
}

void
sim_device_release(struct sim_device *d)
{
	loop_timer_stop(&d->timer);
	session_free(d->session);
	loop_timer_stop(&d->flap);
	buf_release(&d->late);
	free(d->walks);
	free(d->data_topic);
	free(d->status_topic);
	free(d->commands_topic);
	free(d->responses_topic);
}
