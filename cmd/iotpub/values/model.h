/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_VALUES_MODEL_H
#define IOTPUB_VALUES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* The place of a value among those of its sensor. Nothing else but the model decides what it is, so
 * that the same seed makes the same values, however busy the machine is. */
struct draw {
	uint64_t *random; /* state of the device's own sequence */
	uint64_t number;  /* of the reading, from 0 */
	int64_t at;       /* ms after the first reading, by the plan */
	double *
	    walks; /* where each sensor's walk has got to, NAN: nowhere yet; NULL: no walks */
};

enum { MODEL_NUMBERS = 4 };

/* How the values of a sensor come about. */
struct model {
	const struct model_kind *kind;
	double v[MODEL_NUMBERS];
	size_t n;       /* how many were given */
	int64_t period; /* ms */
	int decimals;
	struct strv values; /* JSON texts */
};

/* Takes what stands behind the '=' of `operand`: a value, or MODEL:ARGS. A value that is JSON keeps its
 * own bytes, other text becomes a JSON string. Release it also after an error. */
int model_parse(struct model *m, const char *operand, const char *text, struct err *err);
void model_release(struct model *m);
bool model_walks(const struct model *m);

/* Appends the value of this draw; `walk` is the sensor's own, not NULL if it walks. */
void model_put(
    const struct model *m, struct buf *out, const struct draw *draw, double *walk);

/* The beginning of sequence number `n` of a seed: the same for the same seed. */
uint64_t model_random_start(uint64_t seed, uint64_t n);
/* At least 0, less than 1. */
double model_random_part(uint64_t *state);

#endif
