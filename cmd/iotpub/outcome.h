/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_OUTCOME_H
#define IOTPUB_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What became of the messages of a run, and how it was ended: the exit status comes of it. */
struct outcome {
	size_t published;      /* acknowledged, at QoS 0 written */
	size_t unheard;        /* of these, at MQTT 5: the broker said that nobody has subscribed */
	size_t refused;        /* by the broker, or lost at QoS 0 */
	size_t unacknowledged; /* when it was over */
	size_t left_out;       /* commands that were not printed, since nobody read them */
	size_t unpublished;    /* that it was asked for and did not get to */
	size_t sessions_lost;  /* that the broker had ended while their devices were away, with what waited */
	int reason;            /* of the last refusal */
	int signo;             /* that ended it; 0: none */
	bool insisted;         /* a second signal: do not wait */
};

/* Counts what came of a publication, by its reason code: a refusal becomes the exit status. */
void outcome_published(struct outcome *o, int reason);
/* True for the first signal: finish what was begun. */
bool outcome_signal(struct outcome *o, int signo);
/* The error of the run in `err`, which may hold a first one already; -1 if there is any. */
int outcome_judge(const struct outcome *o, struct err *err);

#endif
