/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_COMMAND_H
#define IOTCTL_COMMAND_H

#include "base/strv.h"
#include "iotctl/ctl.h"

/* A command that is no plain verb of a resource. `path` is one word, or two of which the first may
 * be a resource (or its alias). */
struct command {
	const char *path;
	const char *operands; /* for its usage line */
	const char *help;     /* N_() */
	int (*run)(struct ctl *c, const struct operands *in, struct err *err);
	bool new_context;     /* may name a context that is not there yet */
};

/* A verb that every resource understands. */
struct verb {
	const char *name;
	const char *const *aliases;
	enum schema_verb flag;
	int (*run)(struct ctl *c, const struct schema_resource *r,
	    const struct operands *in, struct err *err);
	const char *help;     /* N_() */
	const char *operands; /* for its usage line */
};

/* The tables, row by row; NULL behind the last. */
const struct command *command_row(size_t i);
const struct verb *command_verb_row(size_t i);
const struct verb *command_find_verb(const char *word);

/* The words that may follow `first` (canonical), or, NULL, begin a command line. help.c. */
void command_next(const char *first, struct strv *out);
/* A verb's own name for its alias; any other word as it is. help.c. */
const char *command_verb(const char *word);

/* Finds what the first words ask for and runs it. */
int command_run(struct ctl *c, const struct operands *in, struct err *err);

/* The words that completions offer: commands, RESOURCE VERB, fields; and the command that knows more,
 * such as names, when asked on the spot. */
void command_spec(struct buf *out);

/* login.c */
int run_login(struct ctl *c, const struct operands *in, struct err *err);
int run_logout(struct ctl *c, const struct operands *in, struct err *err);
int run_whoami(struct ctl *c, const struct operands *in, struct err *err);
/* settings.c */
int run_context_list(struct ctl *c, const struct operands *in, struct err *err);
int run_context_use(struct ctl *c, const struct operands *in, struct err *err);
int run_config_show(struct ctl *c, const struct operands *in, struct err *err);
int run_config_set(struct ctl *c, const struct operands *in, struct err *err);
int run_config_path(struct ctl *c, const struct operands *in, struct err *err);
/* apply.c, export.c */
int run_apply(struct ctl *c, const struct operands *in, struct err *err);
int run_diff(struct ctl *c, const struct operands *in, struct err *err);
int run_export(struct ctl *c, const struct operands *in, struct err *err);
/* rotate.c */
int run_rotate(struct ctl *c, const struct operands *in, struct err *err);
int run_set_password(struct ctl *c, const struct operands *in, struct err *err);
/* reading.c */
int run_import(struct ctl *c, const struct operands *in, struct err *err);
int run_reading_list(struct ctl *c, const struct operands *in, struct err *err);
/* lint.c */
int run_lint(struct ctl *c, const struct operands *in, struct err *err);
/* help.c */
int run_help(struct ctl *c, const struct operands *in, struct err *err);
/* complete.c */
int run_complete(struct ctl *c, const struct operands *in, struct err *err);
/* raw_api.c */
int run_api(struct ctl *c, const struct operands *in, struct err *err);
/* device.c */
int run_assign(struct ctl *c, const struct operands *in, struct err *err);
int run_unassign(struct ctl *c, const struct operands *in, struct err *err);
int run_activate(struct ctl *c, const struct operands *in, struct err *err);
int run_deactivate(struct ctl *c, const struct operands *in, struct err *err);
/* acl_command.c */
int run_acl_show(struct ctl *c, const struct operands *in, struct err *err);
int run_acl_check(struct ctl *c, const struct operands *in, struct err *err);
int run_acl_export(struct ctl *c, const struct operands *in, struct err *err);
/* doctor.c */
int run_doctor(struct ctl *c, const struct operands *in, struct err *err);
/* broker_test.c */
int run_broker_test(struct ctl *c, const struct operands *in, struct err *err);
/* topic_command.c */
int run_topic_match(struct ctl *c, const struct operands *in, struct err *err);
int run_topic_expand(struct ctl *c, const struct operands *in, struct err *err);
/* send_command.c */
int run_device_command(struct ctl *c, const struct operands *in, struct err *err);
/* provision.c */
int run_provision(struct ctl *c, const struct operands *in, struct err *err);

#endif
