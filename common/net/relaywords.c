/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the relay found no broker, for a person. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "net/relaypart.h"

/* Those whose cause a person can look for are told apart. */
void
relay_explain(const char *words, int status, struct err *why)
{
	static const struct {
		const char *words, *text;
	} known[] = {
	    {"Peer hung up", N_("it closed the connection: is this its WebSocket port?")},
	    {"read failed", N_("it closed the connection: is this its WebSocket port?")},
	    {"problems parsing", N_("it does not speak WebSocket on this port")},
	    {"HS: URI missing", N_("it does not speak WebSocket on this port")},
	    {"HS: ws upgrade unauthorized",
		N_("it wants a login for this path (HTTP 401)")},
	    {"HS: Cannot match protocol", N_("it does not speak MQTT at this path")},
	    {"HS: PROTOCOL malformed", N_("it does not speak MQTT at this path")},
	};
	size_t i;

	if (strncmp(words, "HS: ws upgrade response", 23) == 0) {
		err_set(why, ERR_UNREACHABLE,
		    _("WebSocket: it answered HTTP %d: is this its WebSocket path?"),
		    status);
		return;
	}
	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (strncmp(words, known[i].words, strlen(known[i].words)) == 0)
			words = _(known[i].text);
	}
	err_set(why, ERR_UNREACHABLE, "WebSocket: %s", words);
}

/* Of a TCP connection that was refused later than at once libwebsockets keeps the reason to itself. */
void
relay_explain_tcp(int number, struct err *why)
{
	static const int known[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT,
	    EMFILE, ENFILE, EADDRNOTAVAIL};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i] == number) {
			err_set(why, ERR_UNREACHABLE, "%s", strerror(number));
			why->text[0] = (char)tolower((unsigned char)why->text[0]);
			return;
		}
	}
	err_set(why, ERR_UNREACHABLE,
	    _("no TCP connection: nobody listens there, or no way leads there"));
}
