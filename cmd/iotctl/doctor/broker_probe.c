/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stages before MQTT: DNS, TCP, TLS. */
#include "iotctl/doctor/broker_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/strv.h"
#include "base/text.h"
#include "loop/resolve.h"
#include "tls/tls_peer.h"

const char *const broker_probe_names[BROKER_PROBE_STAGES] = {
    "DNS", "TCP", "TLS", "CONNACK", "SUBACK", "QoS 0", "QoS 1", "QoS 2"};

/* A lookup on the loop. */
struct dns {
	struct loop *loop;
	struct resolve *lookup;
	struct loop_timer timer;
	struct strv addresses;
	struct err err;
};

int
broker_probe_id(char *id, struct err *err)
{
	memcpy(id, "iot-probe-", sizeof("iot-probe-"));
	return random_hex(id + strlen(id), 12, err);
}

void
broker_probe_ok(
    struct broker_probe *p, enum broker_probe_stage s, int64_t since, char *detail)
{
	p->v[s].state = BROKER_PROBE_OK;
	p->v[s].ms = (double)(clock_wall_us() - since) / 1000;
	p->v[s].detail = detail;
}

void
broker_probe_fail(struct broker_probe *p, enum broker_probe_stage s, int64_t since,
    const struct err *why)
{
	p->v[s].state = BROKER_PROBE_FAILED;
	p->v[s].ms = (double)(clock_wall_us() - since) / 1000;
	p->v[s].err = *why;
}

static void
not_there(struct broker_probe *p, enum broker_probe_stage s, const char *why)
{
	p->v[s].state = BROKER_PROBE_NOT_THERE;
	p->v[s].detail = xstrdup(why);
}

static void
on_addresses(void *arg, const struct strv *addresses, const struct err *why)
{
	struct dns *d = arg;
	size_t i;

	d->lookup = NULL;
	for (i = 0; i < addresses->n; i++)
		strv_add(&d->addresses, addresses->v[i]);
	d->err = *why;
	loop_stop(d->loop);
}

static void
on_late(void *arg)
{
	struct dns *d = arg;

	err_set(&d->err, ERR_UNREACHABLE, "DNS: %s", _("no answer in time"));
	loop_stop(d->loop);
}

static int
probe_dns(struct ctl *c, const struct session_opts *o, struct broker_probe *p,
    struct strv *out, struct err *err)
{
	struct dns d = {.loop = c->loop};
	struct buf list = {0};
	int64_t since = clock_wall_us();
	int failed;
	size_t i;

	d.lookup = resolve_start(c->loop, o->host, on_addresses, &d);
	loop_timer_set(c->loop, &d.timer, o->connect_timeout, on_late, &d);
	failed = loop_run(c->loop, err);
	loop_timer_stop(&d.timer);
	resolve_cancel(d.lookup);
	*out = d.addresses;
	for (i = 0; i < out->n; i++)
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", out->v[i]);
	if (!failed && out->n == 0)
		broker_probe_fail(p, BROKER_PROBE_DNS, since, &d.err);
	else if (!failed)
		broker_probe_ok(p, BROKER_PROBE_DNS, since, buf_steal(&list));
	buf_release(&list);
	return failed;
}

/* 0 and a connected socket, or the errno that says why not. */
static int
connect_socket(const char *address, int port, int64_t timeout, int *out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *to = NULL;
	struct pollfd p = {.events = POLLOUT};
	socklen_t room = sizeof(int);
	char service[8];
	int error = 0;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &to) != 0)
		return EADDRNOTAVAIL;
	p.fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p.fd < 0 ||
	    (connect(p.fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS))
		error = errno;
	else if (poll(&p, 1, (int)timeout) != 1)
		error = ETIMEDOUT;
	else
		getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &room);
	freeaddrinfo(to);
	if (error != 0 && p.fd >= 0)
		close(p.fd);
	*out = error == 0 ? p.fd : -1;
	return error;
}

static int
probe_tcp(
    const struct session_opts *o, const struct strv *addresses, struct broker_probe *p)
{
	int64_t since = clock_wall_us();
	struct err why = {0};
	int fd = -1;
	size_t i;

	for (i = 0; i < addresses->n && fd < 0; i++) {
		int error =
		    connect_socket(addresses->v[i], o->port, o->connect_timeout, &fd);

		if (error != 0)
			err_set(&why, ERR_UNREACHABLE, "TCP: %s:%d: %s", addresses->v[i],
			    o->port, strerror(error));
	}
	if (fd < 0)
		broker_probe_fail(p, BROKER_PROBE_TCP, since, &why);
	else
		broker_probe_ok(p, BROKER_PROBE_TCP, since,
		    xasprintf("%s:%d", addresses->v[i - 1], o->port));
	return fd;
}

static int
probe_tls(const struct session_opts *o, int fd, struct broker_probe *p, struct err *err)
{
	int64_t since = clock_wall_us();
	struct tls_peer peer = {0};
	struct tls *tls;
	struct err why = {0};

	if (session_opts_tls(&tls, o, err))
		return -1;
	if (tls_peer_look(tls, fd, o->connect_timeout, &peer, &why))
		broker_probe_fail(p, BROKER_PROBE_TLS, since, &why);
	else
		broker_probe_ok(p, BROKER_PROBE_TLS, since,
		    xasprintf(P_("%s; for %s; %s; %d day left",
				  "%s; for %s; %s; %d days left", peer.days),
			peer.version, peer.names, peer.chain, peer.days));
	tls_peer_release(&peer);
	tls_free(tls);
	return 0;
}

static int
probe_network(
    struct ctl *c, const struct session_opts *o, struct broker_probe *p, struct err *err)
{
	struct strv addresses = {0};
	int fd = -1;
	int failed = 0;

	if (o->host[0] == '/') {
		not_there(p, BROKER_PROBE_DNS, _("a unix socket"));
		not_there(p, BROKER_PROBE_TCP, _("a unix socket"));
		not_there(p, BROKER_PROBE_TLS, _("a unix socket"));
		return 0;
	}
	failed = probe_dns(c, o, p, &addresses, err);
	if (!failed && p->v[BROKER_PROBE_DNS].state == BROKER_PROBE_OK)
		fd = probe_tcp(o, &addresses, p);
	if (fd >= 0 && o->tls)
		failed = probe_tls(o, fd, p, err);
	else if (fd >= 0)
		not_there(p, BROKER_PROBE_TLS, _("the broker is asked without TLS"));
	if (fd >= 0)
		close(fd);
	strv_release(&addresses);
	return failed;
}

int
broker_probe_run(struct ctl *c, const struct session_opts *o,
    enum broker_probe_stage last, struct broker_probe *out, struct err *err)
{
	*out = (struct broker_probe){0};
	if (ctl_loop(c, err) || probe_network(c, o, out, err))
		return -1;
	if (last < BROKER_PROBE_CONNACK ||
	    broker_probe_failed(out) != BROKER_PROBE_STAGES)
		return 0;
	return broker_probe_mqtt(c, o, last, out, err);
}

enum broker_probe_stage
broker_probe_failed(const struct broker_probe *p)
{
	int i;

	for (i = 0; i < BROKER_PROBE_STAGES && p->v[i].state != BROKER_PROBE_FAILED; i++)
		;
	return (enum broker_probe_stage)i;
}

/* The first errors begin with their stage already, in every language. */
char *
broker_probe_why(const struct broker_probe *p)
{
	enum broker_probe_stage at = broker_probe_failed(p);
	const char *name = broker_probe_names[at];
	const char *text = p->v[at].err.text;

	return strncmp(text, name, strlen(name)) == 0 ? xstrdup(text)
						      : xasprintf("%s: %s", name, text);
}

void
broker_probe_release(struct broker_probe *p)
{
	size_t i;

	for (i = 0; i < BROKER_PROBE_STAGES; i++)
		free(p->v[i].detail);
	*p = (struct broker_probe){0};
}
