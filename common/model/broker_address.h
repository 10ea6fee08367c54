/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_BROKER_ADDRESS_H
#define MODEL_BROKER_ADDRESS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

/* Where MQTT over WebSocket is when nothing else is said: EMQX's path, and that of most others. */
#define BROKER_ADDRESS_WS_PATH "/mqtt"

/* How a broker is reached: what its row of the platform or its URL says. Owns its strings; the zero value
 * is empty. */
struct broker_address {
	char *host;     /* a name, an address, or a unix socket's path; NULL: nothing is known */
	int port;       /* 0: not said, or a unix socket */
	bool tls;
	char *ws_path;  /* MQTT over WebSocket, at this path; NULL: over TCP */
	char *topic;    /* of a URL without WebSocket: what follows the host; NULL: nothing does */
	char *username; /* NULL: none, and so below */
	char *password; /* of a URL; a row never tells it */
	char *ca_pem;   /* of a row: the CA certificates to trust, as PEM text */
};

/* The protocol's part of an address, by the name that URLs and rows have for it: mqtt, tcp; mqtts, ssl
 * (with TLS); ws, wss. False: no such protocol. */
bool broker_address_set_protocol(struct broker_address *a, struct span name);
/* From a row, a JSON object: protocol, use_tls, host, port, ca_cert, username. An unknown protocol is MQTT
 * over TCP. -1 (ERR_PROTOCOL) without a host or a port, with the rest filled in. */
int broker_address_read(struct broker_address *a, struct span row, struct err *err);
/* From mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC] or ws[s]://...[/PATH]. The messages do not repeat it: it may
 * hold a password. A user, a password and a topic are percent-decoded; an '@' in a topic has to be written so. */
int broker_address_parse(struct broker_address *a, const char *url, struct err *err);
/* The port where nothing else is said: 1883, 8883, 80 or 443. */
int broker_address_default_port(bool ws, bool tls);
/* As a URL without login and path (free). */
char *broker_address_url(const struct broker_address *a);
struct broker_address broker_address_copy(const struct broker_address *a);
bool broker_address_equal(const struct broker_address *a, const struct broker_address *b);
void broker_address_release(struct broker_address *a);

#endif
