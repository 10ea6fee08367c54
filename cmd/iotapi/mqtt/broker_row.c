/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/mqtt/broker_row.h"

#include <stdlib.h>

#include "base/mem.h"
#include "iotapi/api/secretbox.h"

void
broker_row_release(struct broker_row *x)
{
	broker_address_release(&x->address);
	free(x->name);
}

static char *
text_or_null(sqlite3_stmt *stmt, int column)
{
	struct span s = db_column_text(stmt, column);

	return s.n != 0 ? xstrndup(s.p, s.n) : NULL;
}

int
broker_row_read(
    const struct app *app, sqlite3_stmt *stmt, struct broker_row *out, struct err *err)
{
	struct span sealed = db_column_text(stmt, 8);

	*out = (struct broker_row){.id = sqlite3_column_int64(stmt, 0),
	    .name = text_or_null(stmt, 1),
	    .address = {.host = text_or_null(stmt, 2),
		.port = sqlite3_column_int(stmt, 3),
		.ca_pem = text_or_null(stmt, 6),
		.username = text_or_null(stmt, 7)},
	    .keepalive = sqlite3_column_int(stmt, 9)};
	broker_address_set_protocol(&out->address, db_column_text(stmt, 4));
	out->address.tls |= sqlite3_column_int(stmt, 5) != 0;
	if (sealed.n == 0)
		return 0;
	out->address.password =
	    secretbox_get(app->secretbox, "broker.password", sealed, err);
	return out->address.password != NULL ? 0 : -1;
}
