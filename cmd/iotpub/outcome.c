/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/outcome.h"

#include <signal.h>

#include "base/log.h"
#include "base/text.h"

enum { FIRST_REFUSAL = 128, LOST = 128 };

/* What a broker says in PUBACK and PUBREC, or said before in CONNACK. */
static const struct {
	int reason;
	enum err_code code;
	const char *text;
} refusals[] = {
    {131, ERR_REFUSED, N_("it does not say why")},
    {135, ERR_AUTH, N_("not allowed to publish there")},
    {144, ERR_REFUSED, N_("it finds the topic wrong")},
    {149, ERR_REFUSED, N_("larger than it takes")},
    {151, ERR_REFUSED, N_("a quota is exceeded")},
    {153, ERR_REFUSED, N_("it finds the payload wrong")},
    {155, ERR_REFUSED, N_("it does not take this QoS: a lower --qos may do")},
};

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
refused(const struct outcome *o, struct err *err)
{
	size_t i;

	if (o->reason == LOST)
		return err_set(
		    err, ERR_FAILED, _("messages lost or refused: %zu"), o->refused);
	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		if (refusals[i].reason == o->reason)
			return err_set(err, refusals[i].code,
			    _("messages refused by the broker: %zu, %s"), o->refused,
			    _(refusals[i].text));
	}
	return err_set(err, ERR_REFUSED,
	    _("messages refused by the broker: %zu, for reason %d"), o->refused,
	    o->reason);
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
