/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/device.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotpub/platform/inventory.h"
#include "iotpub/sim/login.h"

enum { STATUS_QOS = 1 };

/* How far it has got with its end. */
enum stage {
	WORKING,
	LEAVING,   /* no more readings; commands that are being run go on */
	FINISHING, /* waits until everything is acknowledged, --drain at most */
	SAID_GOODBYE
};

struct device {
	const struct device_config *config;
	size_t number;
	struct login login;
	char *status_topic;
	struct session *session;
	struct readings readings; /* id and profile are in it */
	struct reconnect reconnect;
	struct listener *listener; /* NULL: it takes no commands */
	struct loop_timer drain;
	enum stage stage;
	bool started, was_connected, over, dismissed;
	bool up;      /* connected now */
	bool at_once; /* commands that are being run are not waited for */
};

static void
publish(struct device *d, const struct session_pub *p)
{
	struct err err = {0};
	int id;

	if (session_publish(d->session, p, &id, &err))
		log_warn("%s: %s", device_id(d), err.text);
	else
		d->config->counts->given++;
}

static void
publish_status(struct device *d, const char *status)
{
	struct buf payload = {0};

	if (d->config->args->no_status)
		return;
	payload_status(&payload, device_id(d), status, reading_time(&d->readings));
	publish(d,
	    &(struct session_pub){.topic = d->status_topic,
		.payload = buf_as_span(&payload),
		.qos = STATUS_QOS,
		.retain = true});
	buf_release(&payload);
}

/* One of --devices, which exists nowhere else: what the broker keeps of it is forgotten with it. */
static bool
is_made_up(const struct device *d)
{
	const struct args *a = d->config->args;

	return d->number < (size_t)a->devices && !a->from_platform && !a->keep_status &&
	    !a->no_status;
}

static void
forget_status(struct device *d)
{
	publish(d,
	    &(struct session_pub){
		.topic = d->status_topic, .qos = STATUS_QOS, .retain = true});
}

static void
set_up(struct device *d, bool up)
{
	struct counts *counts = d->config->counts;

	if (d->up && !up)
		counts->up--;
	else if (!d->up && up)
		counts->up++;
	d->up = up;
}

/* NULL: it is over as it was to be. */
static void
end(struct device *d, const struct err *why)
{
	const struct device_config *c = d->config;

	if (d->over)
		return;
	d->over = true;
	reading_stop(&d->readings);
	reconnect_stop(&d->reconnect);
	if (why != NULL)
		c->events->failed(c->arg, d, why);
	else
		c->events->over(c->arg, d);
}

/* The last word comes when all before it is acknowledged: a broker may hand on a QoS 2 message later than one of
 * QoS 1 that followed it. But for one that listens: commands that it does not take any more may stand before the
 * acknowledgements, and are read past only behind the last word. */
static bool
waits_for_acknowledgements(const struct device *d)
{
	return session_unacknowledged(d->session) > 0 &&
	    (d->listener == NULL || listener_is_showing(d->listener) ||
		d->readings.profile->qos > 1 || !session_is_up(d->session));
}

/* While the connection is down the will has told already. */
static void
say_goodbye_now(struct device *d)
{
	if (d->stage != FINISHING || (listener_is_busy(d->listener) && !d->at_once) ||
	    waits_for_acknowledgements(d))
		return;
	d->stage = SAID_GOODBYE;
	listener_settle(d->listener);
	if (session_is_up(d->session))
		publish_status(d, "disconnected");
	if (is_made_up(d) && d->was_connected)
		forget_status(d);
	session_stop(d->session, d->config->args->drain);
}

static void
on_goodbye(void *owner)
{
	say_goodbye_now(owner);
}

/* Of one that listens when it has taken the commands at hand: their acknowledgements would hold back the last word. */
static void
say_goodbye(struct device *d)
{
	if (d->listener == NULL)
		say_goodbye_now(d);
	else if (d->stage == FINISHING)
		listener_defer(d->listener, on_goodbye);
}

static void
on_up(void *arg, bool present)
{
	struct device *d = arg;
	const struct device_config *c = d->config;
	const bool first = !d->was_connected;

	(void)present;
	set_up(d, true);
	if (d->stage >= LEAVING) {
		say_goodbye(d);
		return;
	}
	log_info(_("%s: connected to broker %s"), device_id(d),
	    session_where(d->session).text);
	publish_status(d, "connected");
	d->was_connected = true;
	c->events->connected(c->arg, d, first);
	if (first)
		reading_begin(&d->readings, d->number, c->fleet);
}

static void
on_forgotten(void *arg, const struct err *why)
{
	struct device *d = arg;

	d->config->counts->outcome.sessions_lost++;
	d->config->events->forgotten(d->config->arg, d, why);
}

/* Told again when it cannot be made again for another reason: no connection was lost then. */
static void
on_down(void *arg, const struct err *why)
{
	struct device *d = arg;

	d->config->counts->losses += d->up;
	set_up(d, false);
	d->config->events->lost(d->config->arg, d, why);
}

/* Counts what its session leaves unacknowledged. */
static void
drop_session(struct device *d)
{
	const size_t left = session_unacknowledged(d->session);

	set_up(d, false);
	d->config->counts->outcome.unacknowledged += left;
	d->config->counts->dropped += left;
	session_free(d->session);
	d->session = NULL;
	listener_drop(d->listener);
}

static void
on_ended(void *arg, const struct err *why)
{
	struct device *d = arg;
	struct err reason = *why; /* the session's own goes with it */

	loop_timer_stop(&d->drain);
	listener_ended(d->listener);
	drop_session(d);
	listener_explain(d->listener, &reason);
	end(d, reason.code != ERR_OK && reason.code != ERR_TIMEOUT ? &reason : NULL);
}

static void
on_message(void *arg, const struct msg *m)
{
	const struct device *d = arg;

	listener_take(d->listener, m);
}

static void
on_published(void *arg, int id, int reason)
{
	struct device *d = arg;

	(void)id;
	outcome_published(&d->config->counts->outcome, reason);
	if (reconnect_is_due(&d->reconnect))
		reconnect_acknowledged(
		    &d->reconnect, session_is_up(d->session), d->stage >= LEAVING);
	say_goodbye(d);
}

static void
on_subscribed(void *arg, const char *filter, int qos, const struct err *why)
{
	struct device *d = arg;

	(void)qos;
	if (why->code == ERR_OK) {
		log_info(_("%s: listens to '%s'"), device_id(d), filter);
		return;
	}
	listener_denied(d->listener, why);
	device_finish(d, true);
}

static const struct session_events session_events = {.up = on_up,
    .forgotten = on_forgotten,
    .down = on_down,
    .ended = on_ended,
    .message = on_message,
    .published = on_published,
    .subscribed = on_subscribed};

void
device_set_login(const struct device *d, struct session_opts *out)
{
	login_set(&d->login, d->config->login_given, out);
}

void
device_make_session(struct device *d)
{
	const struct device_config *c = d->config;
	const struct args *a = c->args;
	struct session_opts o = *c->session;
	struct buf will = {0};
	struct err err = {0};

	o.client_id = d->login.client_id;
	o.fleet = (int)c->fleet;
	o.retry |= d->was_connected;
	listener_set_opts(d->listener, &o);
	inventory_set_broker(device_profile(d)->broker, &o);
	device_set_login(d, &o);
	payload_status(&will, device_id(d), "disconnected", -1);
	if (!a->no_status) {
		o.will_topic = d->status_topic;
		o.will_payload = buf_as_span(&will);
		o.will_qos = STATUS_QOS;
		o.will_retain = true;
	}
	d->session = session_new(c->reading.loop, &o, &session_events, d, &err);
	buf_release(&will);
	if (d->session == NULL)
		end(d, &err);
	else
		listener_subscribe(d->listener);
}

void
device_start(struct device *d)
{
	d->started = true;
	session_start(d->session);
}

static void
on_drained(void *arg)
{
	struct device *d = arg;

	if (d->stage == SAID_GOODBYE) {
		session_stop(d->session, 0);
		return;
	}
	/* Without a goodbye, and so without a DISCONNECT: the will says it. */
	drop_session(d);
	end(d, NULL);
}

void
device_finish(struct device *d, bool at_once)
{
	reading_stop(&d->readings);
	if (d->stage < LEAVING)
		d->stage = LEAVING;
	d->at_once |= at_once;
	listener_leave(d->listener);
	if (d->stage >= FINISHING || d->session == NULL || !d->started ||
	    (listener_is_busy(d->listener) && !at_once))
		return;
	reconnect_stop(&d->reconnect);
	reading_flush(&d->readings);
	d->stage = FINISHING;
	session_hurry(d->session);
	loop_timer_set(
	    d->config->reading.loop, &d->drain, d->config->args->drain, on_drained, d);
	say_goodbye(d);
}

void
device_cancel(struct device *d, const struct err *why)
{
	end(d, why);
}

bool
device_dismiss(struct device *d)
{
	if (d->over || d->stage >= LEAVING)
		return false;
	d->dismissed = true;
	if (d->started)
		device_finish(d, false);
	else
		end(d, NULL);
	return true;
}

void
device_change(struct device *d)
{
	reading_change(&d->readings, d->was_connected && d->stage < LEAVING);
}

void
device_move(struct device *d)
{
	if (d->session == NULL || d->stage >= LEAVING)
		return;
	if (d->started) {
		reconnect_move(&d->reconnect);
	} else {
		session_free(d->session);
		device_make_session(d);
	}
}

void
device_pause_commands(struct device *d, bool paused)
{
	listener_pause(d->listener, paused);
}

void
device_acknowledge(struct device *d)
{
	listener_acknowledge(d->listener);
}

void
device_answered(struct device *d)
{
	if (d->stage >= FINISHING && d->session != NULL)
		say_goodbye(d);
	else if (d->stage >= LEAVING)
		device_finish(d, false);
}

/* What its reconnection asks and tells it. */

static struct device *
of_reconnect(const struct reconnect *r)
{
	return (struct device *)(void *)((char *)(uintptr_t)r -
	    offsetof(struct device, reconnect));
}

static size_t
on_unacknowledged(const struct reconnect *r)
{
	return session_unacknowledged(of_reconnect(r)->session);
}

static void
on_renew(struct reconnect *r, size_t left)
{
	struct device *d = of_reconnect(r);

	if (left > 0)
		log_warn(P_("%s: its old broker did not acknowledge %zu message",
			     "%s: its old broker did not acknowledge %zu messages", left),
		    device_id(d), left);
	drop_session(d);
	device_make_session(d);
	if (d->session != NULL)
		device_start(d);
}

/* What its readings ask and tell it. */

static struct device *
of_readings(struct readings *r)
{
	return (struct device *)(void *)((char *)r - offsetof(struct device, readings));
}

static bool
on_can_send(struct readings *r)
{
	return r->profile->qos > 0 || session_is_up(of_readings(r)->session);
}

static bool
on_can_publish(struct readings *r)
{
	const struct device *d = of_readings(r);

	if (reconnect_is_due(&d->reconnect) || !on_can_send(r))
		return false;
	if (!counts_are_full(d->config->counts, (size_t)d->config->args->max_queued))
		return true;
	d->config->counts->outcome.unpublished++;
	return false;
}

static bool
on_has_properties(struct readings *r)
{
	return session_version(of_readings(r)->session) == 5;
}

static void
on_publish(struct readings *r, const struct session_pub *p)
{
	publish(of_readings(r), p);
}

static void
on_flap(struct readings *r)
{
	struct device *d = of_readings(r);

	reconnect_flap(&d->reconnect, d->stage < LEAVING && session_is_up(d->session));
}

static void
on_complete(struct readings *r)
{
	device_finish(of_readings(r), false);
}

static const char *
on_other_id(struct readings *r)
{
	const struct device *d = of_readings(r);

	return d->config->events->other_id(d->config->arg, d);
}

/* What its listener tells it. */
static void
on_command(void *owner, const struct msg *m)
{
	struct device *d = owner;

	d->config->events->command(d->config->arg, d, m);
}

void
device_config_init(struct device_config *c)
{
	static const struct reading_events events = {.can_publish = on_can_publish,
	    .can_send = on_can_send,
	    .has_properties = on_has_properties,
	    .publish = on_publish,
	    .flap = on_flap,
	    .complete = on_complete,
	    .other_id = on_other_id};

	c->reading.events = &events;
	c->reconnect.unacknowledged = on_unacknowledged;
	c->reconnect.renew = on_renew;
	c->listener.keep_session = c->args->keep_session;
	c->listener.left_out = &c->counts->outcome.left_out;
	c->listener.command = on_command;
}

static int
listen_to_commands(struct device *d, struct err *err)
{
	d->listener = listener_new(
	    &d->config->listener, d->config->topics, device_id(d), &d->session, d, err);
	return d->listener != NULL ? 0 : -1;
}

struct device *
device_new(const struct device_config *config, size_t number, const char *id,
    const struct profile *profile, struct err *err)
{
	struct device *d = xcalloc(1, sizeof(*d));

	d->config = config;
	d->number = number;
	d->reconnect.config = &config->reconnect;
	d->readings.id = id;
	if (topic_check_id(span_of(id), _("device id"), err) == 0 &&
	    login_choose(&d->login, config->credentials, config->session->client_id, id,
		err) == 0 &&
	    reading_init(&d->readings, &config->reading, number, id, profile, err) == 0 &&
	    profile_topic(config->topics->status, id, 0, &d->status_topic, err) == 0 &&
	    (!config->args->listen || listen_to_commands(d, err) == 0))
		return d;
	device_free(d);
	return NULL;
}

void
device_free(struct device *d)
{
	if (d == NULL)
		return;
	reconnect_stop(&d->reconnect);
	loop_timer_stop(&d->drain);
	session_free(d->session);
	reading_release(&d->readings);
	free(d->status_topic);
	listener_free(d->listener);
	free(d);
}

const char *
device_id(const struct device *d)
{
	return d->readings.id;
}

const char *
device_client_id(const struct device *d)
{
	return d->login.client_id;
}

size_t
device_number(const struct device *d)
{
	return d->number;
}

const struct profile *
device_profile(const struct device *d)
{
	return d->readings.profile;
}

const char *
device_status_topic(const struct device *d)
{
	return d->status_topic;
}

const struct credential *
device_credential(const struct device *d)
{
	return d->login.credential;
}

struct responder_device *
device_commands(struct device *d)
{
	return listener_responder(d->listener);
}

struct device *
device_of_commands(struct responder_device *commands)
{
	return listener_owner(commands);
}

bool
device_has_session(const struct device *d)
{
	return d->session != NULL;
}

bool
device_is_started(const struct device *d)
{
	return d->started;
}

const struct session *
device_connection(const struct device *d)
{
	return d->up ? d->session : NULL;
}

bool
device_was_connected(const struct device *d)
{
	return d->was_connected;
}

bool
device_said_goodbye(const struct device *d)
{
	return d->stage == SAID_GOODBYE;
}

bool
device_is_over(const struct device *d)
{
	return d->over;
}

bool
device_is_dismissed(const struct device *d)
{
	return d->dismissed;
}

bool
device_has_left(const struct device *d)
{
	return d->over && !listener_is_running(d->listener);
}

size_t
device_unacknowledged(const struct device *d)
{
	return d->session != NULL ? session_unacknowledged(d->session) : 0;
}
