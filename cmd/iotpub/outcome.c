/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outcome.h"

#include <signal.h>

#include "base/log.h"
#include "base/text.h"

enum { FIRST_REFUSAL = 128, NOT_AUTHORIZED = 135, LOST = 128 };

void
outcome_published(struct outcome *o, int reason)
{
	if (reason < FIRST_REFUSAL) {
		o->published++;
	} else {
		o->refused++;
		o->reason = reason;
	}
}

bool
outcome_signal(struct outcome *o, int signo)
{
	o->insisted = o->signo != 0;
	o->signo = signo;
	return !o->insisted;
}

static int
judge_messages(const struct outcome *o, struct err *err)
{
	struct err first = *err;

	if (o->unacknowledged != 0)
		err_set(err, ERR_FAILED, _("messages left unacknowledged: %zu"),
		    o->unacknowledged);
	else if (o->refused != 0 && o->reason == NOT_AUTHORIZED)
		err_set(err, ERR_AUTH,
		    _("messages refused by the broker: %zu, not allowed to publish "
		      "there"),
		    o->refused);
	else if (o->refused != 0 && o->reason != LOST)
		err_set(err, ERR_REFUSED,
		    _("messages refused by the broker: %zu, for reason %d"), o->refused,
		    o->reason);
	else if (o->refused != 0)
		err_set(err, ERR_FAILED, _("messages lost or refused: %zu"), o->refused);
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
