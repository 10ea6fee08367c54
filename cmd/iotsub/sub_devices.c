/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/credentials.h"
#include "iotsub/sub.h"

/* What was given on this command line outranks the credentials file, which outranks a login of the
 * configuration: that is a person's or a program's. */
static void
use_credential(const struct sub *s, const struct credential *c, struct session_opts *opt)
{
	if (c == NULL ||
	    opt_source_of(s->set, offsetof(struct args, mqtt.username)) >= OPT_FROM_ENV)
		return;
	opt->username = c->username;
	opt->password = c->password;
	if (opt->tls && opt->cert == NULL) {
		opt->cert = c->cert;
		opt->key = c->key;
	}
}

static int
add_device(struct sub *s, const char *device, struct session_opts opt,
    const struct credentials *credentials, struct err *err)
{
	struct topic_vars vars = {.v[TOPIC_DEVICE_ID] = span_of(device)};
	int qos = s->args->qos == 0 ? 0 : 1;
	char *filter = NULL, *id = NULL;
	int failed = topic_check_id(span_of(device), _("device id"), err) ||
	    topic_expand(s->topics.commands, &vars, &filter, err);

	if (!failed) {
		id = xasprintf("%s.commands", device);
		if (opt.client_id == NULL)
			opt.client_id = id;
		use_credential(s, credentials_find(credentials, device), &opt);
		failed = s->args->exec.n > 0 || s->args->reply != NULL
		    ? sub_add_device(s, &opt, device, filter, err)
		    : sub_add(
			  s, &opt, &(struct consumer_filter){filter, .qos = qos}, 1, err);
	}
	free(filter);
	free(id);
	return failed ? -1 : 0;
}

int
sub_add_devices(
    struct sub *s, char **operands, const struct session_opts *opt, struct err *err)
{
	char *path = credentials_path(s->args->credentials, s->args->common.context);
	struct credentials credentials = {0};
	struct strv devices = {0};
	size_t i;
	int failed =
	    credentials_load(&credentials, path, s->args->credentials != NULL, err);

	for (; !failed && *operands != NULL; operands++) {
		if (strcmp(*operands, "-") == 0)
			failed = file_names(stdin, "-", &devices, err);
		else
			strv_add(&devices, *operands);
	}
	if (!failed && devices.n > 1 && opt->client_id != NULL)
		failed = err_set(
		    err, ERR_USAGE, _("-i is for one device, not for %zu"), devices.n);
	for (i = 0; !failed && i < devices.n; i++)
		failed = add_device(s, devices.v[i], *opt, &credentials, err);
	strv_release(&devices);
	credentials_release(&credentials);
	free(path);
	return failed ? -1 : 0;
}
