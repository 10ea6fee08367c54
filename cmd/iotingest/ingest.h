/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef INGEST_H
#define INGEST_H

#include "base/opt.h"
#include "conf/topic.h"
#include "net/mqttopts.h"

struct args {
	struct common common;
	struct mqttopts mqtt;
	struct topicopts topics;
	struct strv templates;
	char *durable;
	char *rejects;
	int qos;
	int count;
	int64_t wait;
	bool readings;
};

/* Runs until it is told to end: -C, -W, a signal, its reader gone, or an error. An end as asked for
 * leaves `err` empty, SIGINT leaves ERR_SIGNAL + SIGINT. */
int ingest_run(const struct args *a, const struct session_opts *session, struct err *err);

#endif
