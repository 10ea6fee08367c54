/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_CONNECT_BROKERS_H
#define MQTT_CONNECT_BROKERS_H

#include "mqtt/connect/dial.h"
#include "mqtt/session_opts.h"

/* The brokers of one client, one as good as the other, of which one is present. Nothing blocks. */

struct broker {
	char *host;          /* a name, an address, or a path of a unix socket */
	int port;
	/* Its user's, where nobody asked for a version: it speaks MQTT 3.1.1 alone. After a mere close: the next
	 * CONNECT tries whether it does; one has, which is enough. */
	bool speaks_v3, try_v3, tried_v3;
	const char *ws_path; /* of the options, which keep it */
	char *name;          /* host:port, or the path */
	struct dial dial;
};

/* The present one lies with its owner, who passes it to the functions below: each message asks of it. */
struct brokers {
	struct broker *all;  /* of several, the place of the present one being stale; NULL: there is one */
	unsigned n, present; /* how many; which is present */
};

/* The first is present. -1: one cannot be (ERR_USAGE); to be closed all the same. */
int brokers_open(struct brokers *b, struct broker *present, const struct session_opts *o,
    struct err *err);
/* Makes the i-th one the present one. Without a connection. */
void brokers_go_to(struct brokers *b, struct broker *present, unsigned i);
/* Every connection is gone. The zero values are fine. */
void brokers_close(struct brokers *b, struct broker *present);

/* The broker, and the address, "" for none, that a connection goes to. */
struct broker_where brokers_where(const struct broker *present, const char *address);

#endif
