/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ENV_ENV_H
#define IOTCTL_ENV_ENV_H

#include "base/buf.h"
#include "iotctl/ctl.h"

/* What the program of a device has to know to speak to its broker, in the order in which it is written. */
enum env_value {
	ENV_DEVICE,
	ENV_BROKER,
	ENV_PORT,
	ENV_TLS,     /* 0 or 1 */
	ENV_WS_PATH, /* empty: over TCP */
	ENV_CA_CERT,
	ENV_USER,
	ENV_PASSWORD,
	ENV_CERT,
	ENV_KEY,
	ENV_CLIENT_ID,
	ENV_QOS,
	ENV_INTERVAL, /* seconds */
	ENV_TOPIC_DATA,
	ENV_TOPIC_COMMANDS,
	ENV_TOPIC_RESPONSES,
	ENV_TOPIC_STATUS,
	ENV_VALUES
};

/* Owns its texts; NULL: there is none. The zero value is empty. */
struct env {
	char *v[ENV_VALUES];
};

/* Asks the platform for all of them, the credentials file for the password, and the files that it names for
 * certificate and key. What the device cannot do without is an error: a broker, a topic, a login. Blocks. Release
 * `out` in every case. */
int env_load(struct ctl *c, const char *device, struct env *out, struct err *err);
void env_release(struct env *e);

/* All of them as a header of C and C++, which has the contents of files as literals. */
void env_put_header(struct buf *out, const struct env *e);
/* As lines of a POSIX shell, or as a JSON object; both name files in place of their contents, env_file's. */
void env_put_sh(struct buf *out, const struct env *e, const char *dir);
void env_put_json(struct buf *out, const struct env *e, const char *dir);
/* The file in `dir` that has a value (free). NULL: it is no file, or there is nothing to be in it. */
char *env_file(const struct env *e, enum env_value which, const char *dir);

#endif
