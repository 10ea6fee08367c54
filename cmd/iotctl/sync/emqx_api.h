/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SYNC_EMQX_API_H
#define IOTCTL_SYNC_EMQX_API_H

#include <jansson.h>

#include "iotctl/ctl.h"

/* EMQX's management API, version 5, with a key. Paths are those behind /api/v5. What EMQX says in a 500 is never shown:
 * it may hold the key. */
struct emqx_api {
	struct ctl *ctl;
	struct rest *rest;
	char *key;
};

/* Reads the key file (0600) and makes the client; nothing is sent. Close it in every case. */
int emqx_api_open(struct emqx_api *a, struct ctl *c, struct err *err);
void emqx_api_close(struct emqx_api *a);

/* One request. `body` may be NULL, and is taken; *out (json_decref; may be NULL) is the answer, NULL for an empty one. Blocks. */
int emqx_api_call(struct emqx_api *a, const char *method, const char *path, json_t *body,
    json_t **out, struct err *err);
/* Each element of a list with pages; `path` may have a query. Blocks. */
int emqx_api_each(struct emqx_api *a, const char *path,
    void (*fn)(void *arg, const json_t *one), void *arg, struct err *err);

/* Many requests, some at once. */
struct emqx_api_many {
	struct emqx_api *api;
	/* Fills in the next request; false: there is none left. `body` is sent and released. */
	bool (*next)(void *arg, const char **method, struct buf *path, json_t **body, size_t *id);
	/* The one of this id has failed; its text is as emqx_api_call has it. Not called for one that went well. */
	void (*failed)(void *arg, size_t id, const struct err *why);
	void *arg;
	/* From here on emqx_api.c's. */
	size_t flying;
	bool over;
	struct err err;
};
/* Blocks until all are answered. -1: EMQX cannot be reached, or refuses the key: no more were sent. */
int emqx_api_all(struct emqx_api_many *m, struct err *err);

#endif
