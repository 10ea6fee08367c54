/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CTL_H
#define IOTCTL_CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/strv.h"
#include "cli/opt.h"
#include "model/field_errs.h"
#include "model/schema.h"
#include "model/topic.h"
#include "model/topic_set.h"
#include "mqtt/mqtt_options.h"
#include "rest/rest.h"
#include "rest/rest_options.h"

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_NDJSON,
	FORMAT_CSV,
	FORMAT_YAML,
	FORMAT_EMQX, /* this and the next: acl export only */
	FORMAT_MOSQUITTO,
	FORMAT_H, /* this and the next: device env only */
	FORMAT_SH
};

/* What --driver says a broker is, in the order of its words. */
enum ctl_driver { CTL_DRIVER_FILES, CTL_DRIVER_DYNSEC, CTL_DRIVER_EMQX };

/* The targets of the option table. */
struct args {
	int format;
	bool json;
	struct strv columns;
	bool no_header;
	bool show_secrets;
	char *search;
	char *order;
	int limit;
	bool dry_run;
	bool keep_going;
	bool again;
	bool server_time; /* a time that the API ignores is no error */
	int64_t since;
	char *device;
	bool yes;
	struct strv files;
	bool prune, prune_most;
	bool all;
	char *secrets;
	int jobs;
	char *from;
	struct strv ignored; /* columns of that file */
	char *credentials;
	bool keep_credentials;
	bool allow_files;
	int64_t wait;
	int qos;
	struct strv services;
	int driver; /* enum ctl_driver */
	char *dir, *reload, *hashes, *deliver;
	char *emqx_url, *emqx_key_file;
	bool setup, kick, verify;
	struct topicopts topics;
	struct rest_options api;
	struct mqtt_options mqtt;
	struct common common;
};

/* One run of the program. */
struct ctl {
	struct args *args;
	const struct opt_set *set;
	const struct opt_set *held; /* of the shell whose line this is; NULL: there is none */
	struct loop *loop; /* NULL until ctl_api or ctl_loop */
	struct rest *api;
	bool stdin_used;   /* "-" and "@-" cannot both read it */
	bool join_reasons; /* the server's reasons on one line: they go into a result */
	bool no_accounts;  /* this platform knows no emqx-users */
	bool no_create_with_acl; /* ... or makes them only without their rules */
	struct jobs *jobs; /* that run; NULL: none */
	int signo;         /* that asks to begin nothing more */
};

/* What follows the command: words, and where those after "--" begin. */
struct operands {
	char **v;
	size_t n;
	size_t plain; /* v[plain..] are names, whatever they look like */
};

/* Makes the loop, and the client, when first needed. */
int ctl_loop(struct ctl *c, struct err *err);
int ctl_api(struct ctl *c, struct err *err);
void ctl_release(struct ctl *c);

/* An error that the API has no such resource, in place of the 404 of its list; others stay. */
int ctl_no_resource(const struct ctl *c, const struct schema_resource *r, struct err *err);

/* Prints all wrong fields but the last, which becomes the error (ERR_USAGE). 0 if there are none. */
int ctl_field_errs(const struct field_errs *errs, struct err *err);

/* The path of one object, or, unless `action` is NULL, of something that is done with it (free). The id as
 * digits, or as a number. */
char *ctl_path(const struct schema_resource *r, const char *id, const char *action);
char *ctl_object_path(const struct schema_resource *r, json_int_t id, const char *action);

/* The object in an answer to a request for `path`: points into `reply`. Anything else is an error
 * (ERR_PROTOCOL). */
int ctl_object(const struct rest_reply *reply, const char *path, struct span *object,
    struct err *err);

/* Claims standard input for `what`; it can be read once. */
int ctl_claim_stdin(struct ctl *c, const char *what, struct err *err);

/* Puts the names that "-" stands for in place: lines of standard input, empty ones left out. Blocks until
 * its end. */
int ctl_names(struct ctl *c, struct strv *names, struct err *err);
/* Adds the operands from the `first` on, with "-" so replaced. */
int ctl_operands(struct ctl *c, const struct operands *in, size_t first, struct strv *names,
    struct err *err);

/* A line for a person on stdout, unless --quiet: what was done. */
void ctl_say(const struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As ctl_say: "created broker 'B' (id 1)". */
enum ctl_done {
	CTL_CREATED,
	CTL_CHANGED,
	CTL_UNCHANGED,
	CTL_DELETED,
	CTL_ASSIGNED,
	CTL_UNASSIGNED,
	CTL_ACTIVATED,
	CTL_DEACTIVATED,
};
void ctl_say_done(const struct ctl *c, enum ctl_done done, const char *resource,
    const char *label, json_int_t id);

#endif
