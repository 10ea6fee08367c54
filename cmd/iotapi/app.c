/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app.h"

#include <stdlib.h>

#include "base/mem.h"
#include "seal.h"

int
app_open(
    struct app *app, const char *path, const struct topicopts *topics, struct err *err)
{
	char *key = xasprintf("%s.key", path);
	int failed = topics_compile(&app->topics, topics, err) ||
	    store_open(&app->store, path, err) || seal_open(&app->seal, key, err);

	free(key);
	return failed ? -1 : 0;
}

void
app_close(struct app *app)
{
	store_close(app->store);
	seal_close(app->seal);
	topics_release(&app->topics);
}
