/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef REST_REST_OPTIONS_H
#define REST_REST_OPTIONS_H

#include "base/text.h"
#include "cli/opt.h"
#include "rest/rest.h"

/* The options of the REST API that iotctl and iotstatus share. */
struct rest_options {
	char *url;
	char *token; /* IOT_TOKEN only: no option, no key */
	char *token_file;
	char *username;
	char *password_file;
	char *cafile;
	char *auth_path; /* a key of the configuration only; NULL: found out */
	int64_t timeout;
	char *tz; /* of times that the API sends without a zone; NULL: unknown */
};

#define OPT_API(T, m)                                                                    \
	OPT_GROUP(N_("REST API")),                                                       \
	    OPT_STR(T, m.url, 0, "api-url", "URL", N_("where the REST API is"),          \
		.key = "api_url", .env = "IOT_API_URL",                                  \
		.value = "http://localhost:8000"),                                       \
	    OPT_STR(T, m.token, 0, NULL, "TOKEN", N_("an API token"), .env = "IOT_TOKEN"), \
	    OPT_STR(T, m.token_file, 0, "token-file", "FILE",                            \
		N_("file with an API token, mode 0600"), .key = "token_file",            \
		.env = "IOT_TOKEN_FILE", .flags = OPT_FILE),                             \
	    OPT_STR(T, m.username, 0, "api-username", "NAME", N_("log in as this user"), \
		.key = "username", .env = "IOT_USERNAME"),                               \
	    OPT_STR(T, m.password_file, 0, "password-file", "FILE",                      \
		N_("file with the API password, mode 0600"), .key = "password_file",     \
		.env = "IOT_PASSWORD_FILE", .flags = OPT_FILE),                          \
	    OPT_STR(T, m.cafile, 0, "api-cafile", "FILE",                                \
		N_("trust these CA certificates"), .key = "api_cafile",                  \
		.flags = OPT_FILE),                                                      \
	    OPT_STR(T, m.auth_path, 0, NULL, "PATH",                                     \
		N_("where to log in, such as /api/token/"), .key = "auth_path"),         \
	    OPT_TIME(T, m.timeout, 't', "timeout", "TIME",                               \
		N_("how long one request may take"), .key = "timeout", .preset = "10s"),  \
	    OPT_STR(T, m.tz, 0, "api-tz", "ZONE",                                        \
		N_("the zone of times that the API sends without one"), .key = "api_tz", \
		.env = "IOT_API_TZ")

/* Fills `out` from the options; `context` (may be NULL) names the token cache. Everything in
 * `out` points into `o`. */
int rest_options_resolve(struct rest_options *o, const char *context, struct rest_opts *out,
    struct err *err);

#endif
