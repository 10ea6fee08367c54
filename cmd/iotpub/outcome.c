/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/outcome.h"

#include <signal.h>

#include "base/log.h"
#include "base/text.h"
#include "mqtt/reason.h"

void
outcome_published(struct outcome *o, int reason)
{
	if (reason_is_failure(reason)) {
		o->refused++;
		o->reason = reason;
	} else {
		o->published++;
	}
}

bool
outcome_signal(struct outcome *o, int signo)
{
	o->insisted = o->signo != 0;
	o->signo = signo;
	return !o->insisted;
}

/* The session says REASON_UNSPECIFIED_ERROR of what was lost with the connection, too. */
static int
refused(const struct outcome *o, struct err *err)
{
	struct err why;

	if (o->reason == REASON_UNSPECIFIED_ERROR)
		return err_set(
		    err, ERR_FAILED, _("messages lost or refused: %zu"), o->refused);
	reason_err(&why, REASON_IN_PUBACK, o->reason, NULL);
	return err_set(err, why.code, _("messages refused by the broker: %zu, %s"),
	    o->refused, why.text);
}

static int
judge_messages(const struct outcome *o, struct err *err)
{
	struct err first = *err;

	if (o->unacknowledged != 0)
		err_set(err, ERR_FAILED, _("messages left unacknowledged: %zu"),
		    o->unacknowledged);
	else if (o->refused != 0)
		refused(o, err);
	else if (o->left_out != 0)
		err_set(err, ERR_OUTPUT,
		    _("commands left out: %zu, standard output was not read"),
		    o->left_out);
	else if (o->unpublished != 0 && first.code == ERR_OK)
		return err_set(
		    err, ERR_FAILED, _("messages not published: %zu"), o->unpublished);
	else
		return first.code == ERR_OK ? 0 : -1;
	/* The reason of the end is told on a line of its own. */
	if (first.code != ERR_OK && first.code != ERR_TIMEOUT)
		log_err(&first);
	return -1;
}

int
outcome_judge(const struct outcome *o, struct err *err)
{
	int failed = judge_messages(o, err);

	if (o->signo != SIGINT)
		return failed;
	log_err(err);
	*err = (struct err){.code = (enum err_code)(ERR_SIGNAL + SIGINT)};
	return -1;
}
