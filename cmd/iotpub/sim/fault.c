/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/sim/fault.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotpub/values/model.h"

static const char *const names[FAULTS + 1] = {
    "drop", "flap", "late", "garbage", "wrong-id", "duplicate", NULL};

static int
take(struct faults *f, const char *word, struct err *err)
{
	size_t n = strcspn(word, "="), i = 0;
	double rate = -1;

	while (i < FAULTS && !span_is((struct span){word, n}, names[i]))
		i++;
	if (i == FAULTS)
		return err_set(err, ERR_USAGE,
		    _("--fault: '%s' is none of drop, flap, late, garbage, wrong-id, "
		      "duplicate, with a rate as in drop=0.01"),
		    word);
	if (word[n] != '=' || !text_double(word + n + 1, &rate) || rate < 0 || rate > 1)
		return err_set(err, ERR_USAGE,
		    _("--fault: '%s' has no rate from 0 to 1, as in %s=0.01"), word,
		    names[i]);
	f->rate[i] = rate;
	return 0;
}

int
faults_parse(struct faults *f, const struct strv *words, struct err *err)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (take(f, words->v[i], err))
			return -1;
	}
	return 0;
}

bool
fault_strikes(struct faults *f, enum fault which, uint64_t *random)
{
	if (f->rate[which] <= 0 || model_random_part(random) >= f->rate[which])
		return false;
	f->count[which]++;
	return true;
}

void
faults_put(struct buf *out, const struct faults *f)
{
	size_t i, n = 0;

	for (i = 0; i < FAULTS; i++) {
		if (f->rate[i] > 0)
			buf_printf(out, "%s%s %llu", n++ != 0 ? ", " : "", names[i],
			    (unsigned long long)f->count[i]);
	}
}

void
fault_mutilate(struct buf *payload, uint64_t *random)
{
	payload->n = (size_t)(model_random_part(random) * (double)payload->n);
	buf_putc(payload, (char)(0x80 + (int)(model_random_part(random) * 0x40)));
}
