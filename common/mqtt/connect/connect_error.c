/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mqtt/connect/connect_error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "mqtt/reason.h"

bool
connect_error_refused(struct err *err, int reason, const char *where)
{
	bool final;

	reason_err(err, REASON_IN_CONNACK, reason, &final);
	err_in(err,
	    err->code == ERR_AUTH ? _("broker %s refused the login")
				  : _("broker %s refused the connection"),
	    where);
	return final;
}

bool
connect_error_dismissed(struct err *err, int reason, const char *where)
{
	bool final;

	reason_err(err, REASON_IN_DISCONNECT, reason, &final);
	err_in(err, _("broker %s closed the connection"), where);
	return final;
}

bool
connect_error_socket(struct err *err, int number, bool may_be_login)
{
	const bool closed = number == 0 || number == EPROTO;
	char text[256]; /* a translation may be of any length */

	snprintf(text, sizeof(text), "%s",
	    !closed            ? strerror(number)
		: may_be_login ? _("it closed the connection (wrong login?)")
			       : _("it closed the connection"));
	if (!closed)
		text[0] = (char)tolower((unsigned char)text[0]);
	err_set(err, ERR_UNREACHABLE, "%s", text);
	return closed;
}

bool
connect_error_is_no_way(int number)
{
	return number == ENETUNREACH || number == EHOSTUNREACH ||
	    number == EAFNOSUPPORT || number == EADDRNOTAVAIL;
}

void
connect_error_late(struct err *err, enum connect_error_late what, double seconds)
{
	switch (what) {
	case CONNECT_ERROR_LATE_NAME:
		err_set(err, ERR_UNREACHABLE,
		    _("its name could not be looked up within %g s"), seconds);
		break;
	case CONNECT_ERROR_LATE_CONNECTION:
		err_set(err, ERR_UNREACHABLE, _("no connection within %g s"), seconds);
		break;
	case CONNECT_ERROR_LATE_CONNACK:
		err_set(err, ERR_UNREACHABLE,
		    _("connected, but it did not answer within %g s"), seconds);
		break;
	case CONNECT_ERROR_LATE_REST:
		err_set(err, ERR_UNREACHABLE, _("its CONNACK was not whole within %g s"),
		    seconds);
		break;
	}
}

void
connect_error_lost(struct err *err, bool was_up, const char *where)
{
	err_in(err, was_up ? _("lost broker %s") : _("cannot reach broker %s"), where);
}

void
connect_error_repeated(struct err *err, int times)
{
	err_add(err, _(", %d times in a row"), times);
}

void
connect_error_fought_over(struct err *err, const char *id, int times, const char *where)
{
	if (id != NULL)
		err_set(err, ERR_PROTOCOL,
		    _("it closed the connection, %d times in a row: is there another "
		      "client with the id '%s', or something that its login may not "
		      "do?"),
		    times, id);
	else
		err_set(err, ERR_PROTOCOL,
		    _("it closed the connection, %d times in a row (wrong login?)"),
		    times);
	connect_error_lost(err, true, where);
}
