/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SYNC_SYNC_EMQX_SETUP_H
#define IOTCTL_SYNC_SYNC_EMQX_SETUP_H

#include "iotctl/sync/emqx_api.h"
#include "iotctl/sync/sync.h"

#define SYNC_EMQX_AUTH	"/authentication/password_based%3Abuilt_in_database"
#define SYNC_EMQX_RULES "/authorization/sources/built_in_database"

/* Of a user, besides: sync_user.note. */
enum { SYNC_EMQX_HAS_RULES = 1, SYNC_EMQX_IS_SUPER = 2 };

struct sync_emqx {
	struct emqx_api api;
	bool has_auth, has_source; /* the built-in authenticator and source are there ... */
	json_t *auth_off, *source_off; /* ... disabled, and the whole of it; NULL: it is enabled */
	int rounds; /* of PBKDF2-SHA512, when the authenticator has that; 0: it has another hash */
};

/* What EMQX has of them, with a warning for whatever makes the rules worth nothing. ERR_FAILED when one of
 * the two is missing and nobody said --setup. Blocks. */
int sync_emqx_setup_look(struct sync *s, struct err *err);
/* Makes them, with --setup, disabled, and says so: enabled ones without users would let nobody in. Blocks. */
int sync_emqx_setup_make(struct sync *s, struct err *err);
/* With --setup, when users and rules are there and not before: enables the two, whoever has made them, and denies what no
 * rule speaks of. What was stopped in between is gone on with by the next run. Blocks. */
int sync_emqx_setup_close(struct sync *s, struct err *err);
/* Of the two. */
void sync_emqx_setup_release(struct sync_emqx *e);

#endif
