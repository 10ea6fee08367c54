/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_RUN_H
#define IOTCTL_RUN_H

#include "iotctl/ctl.h"

/*
 * What the rows of the table in command.c run, by the file that has it. Each takes the operands behind its
 * own words, blocks until it is done, and returns 0 or -1 with `err`, which main prints.
 *
 * A new command: its function here, its row in command.c, its file, its paragraph in man/iotctl.1, a test.
 */

/* login/login.c */
int run_login(struct ctl *c, const struct operands *in, struct err *err);
int run_logout(struct ctl *c, const struct operands *in, struct err *err);
int run_whoami(struct ctl *c, const struct operands *in, struct err *err);
/* login/settings.c */
int run_context_list(struct ctl *c, const struct operands *in, struct err *err);
int run_context_use(struct ctl *c, const struct operands *in, struct err *err);
int run_config_show(struct ctl *c, const struct operands *in, struct err *err);
int run_config_set(struct ctl *c, const struct operands *in, struct err *err);
int run_config_path(struct ctl *c, const struct operands *in, struct err *err);
/* apply/apply.c, apply/diff.c, apply/export.c */
int run_apply(struct ctl *c, const struct operands *in, struct err *err);
int run_diff(struct ctl *c, const struct operands *in, struct err *err);
int run_export(struct ctl *c, const struct operands *in, struct err *err);
/* rotate/run_rotate.c */
int run_rotate(struct ctl *c, const struct operands *in, struct err *err);
int run_pending(struct ctl *c, const struct operands *in, struct err *err);
/* login/rotate.c */
int run_set_password(struct ctl *c, const struct operands *in, struct err *err);
/* verbs/reading.c */
int run_import(struct ctl *c, const struct operands *in, struct err *err);
int run_reading_list(struct ctl *c, const struct operands *in, struct err *err);
/* doctor/lint.c */
int run_lint(struct ctl *c, const struct operands *in, struct err *err);
/* shell/help.c */
int run_help(struct ctl *c, const struct operands *in, struct err *err);
/* shell/complete.c */
int run_complete(struct ctl *c, const struct operands *in, struct err *err);
/* verbs/raw_api.c */
int run_api(struct ctl *c, const struct operands *in, struct err *err);
/* verbs/device.c */
int run_assign(struct ctl *c, const struct operands *in, struct err *err);
int run_unassign(struct ctl *c, const struct operands *in, struct err *err);
int run_activate(struct ctl *c, const struct operands *in, struct err *err);
int run_deactivate(struct ctl *c, const struct operands *in, struct err *err);
/* acl/run_acl.c */
int run_acl_show(struct ctl *c, const struct operands *in, struct err *err);
int run_acl_check(struct ctl *c, const struct operands *in, struct err *err);
int run_acl_export(struct ctl *c, const struct operands *in, struct err *err);
/* doctor/doctor.c */
int run_doctor(struct ctl *c, const struct operands *in, struct err *err);
/* sync/run_sync.c */
int run_broker_sync(struct ctl *c, const struct operands *in, struct err *err);
/* sync/run_client.c */
int run_client_list(struct ctl *c, const struct operands *in, struct err *err);
int run_client_get(struct ctl *c, const struct operands *in, struct err *err);
int run_client_kick(struct ctl *c, const struct operands *in, struct err *err);
/* doctor/broker_test.c */
int run_broker_test(struct ctl *c, const struct operands *in, struct err *err);
/* verbs/topic_command.c */
int run_topic_match(struct ctl *c, const struct operands *in, struct err *err);
int run_topic_expand(struct ctl *c, const struct operands *in, struct err *err);
/* mqtt/send_command.c */
int run_device_command(struct ctl *c, const struct operands *in, struct err *err);
/* env/run_env.c */
int run_device_env(struct ctl *c, const struct operands *in, struct err *err);
/* provision/provision.c */
int run_provision(struct ctl *c, const struct operands *in, struct err *err);

#endif
