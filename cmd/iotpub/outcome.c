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
		return;
	}
	o->published++;
	o->unheard += reason == REASON_NO_MATCHING_SUBSCRIBERS;
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

/* What became of the messages; 0: nothing bad. When the run was ended by an error nobody asks what it did not get
 * to. */
static int
judge_messages(const struct outcome *o, bool ended_early, struct err *err)
{
	if (o->unacknowledged != 0)
		return err_set(err, ERR_FAILED, _("messages left unacknowledged: %zu"),
		    o->unacknowledged);
	if (o->refused != 0)
		return refused(o, err);
	if (o->left_out != 0)
		return err_set(err, ERR_OUTPUT,
		    _("commands left out: %zu or more, standard output was not read"),
		    o->left_out);
	if (o->unpublished != 0 && !ended_early)
		return err_set(
		    err, ERR_FAILED, _("messages not published: %zu"), o->unpublished);
	if (o->sessions_lost != 0)
		return reason_err_sessions_lost(err, o->sessions_lost);
	return 0;
}

/* What ended the run is its status; that time was up is no more than the messages tell. */
static int
judge_run(const struct outcome *o, struct err *err)
{
	struct err messages = {0};

	if (judge_messages(o, err->code != ERR_OK, &messages) == 0)
		return err->code == ERR_OK ? 0 : -1;
	if (err->code == ERR_OK || err->code == ERR_TIMEOUT)
		*err = messages;
	else
		log_err(&messages);
	return -1;
}

int
outcome_judge(const struct outcome *o, struct err *err)
{
	int failed = judge_run(o, err);

	if (o->signo != SIGINT)
		return failed;
	log_err(err);
	*err = (struct err){.code = (enum err_code)(ERR_SIGNAL + SIGINT)};
	return -1;
}
