/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of models; only for model*.c. */
#ifndef IOTPUB_VALUES_MODEL_INT_H
#define IOTPUB_VALUES_MODEL_INT_H

#include "iotpub/values/model.h"

/* `take` gets what stands behind "NAME:"; its -1 is told with `wants`, unless it set an error. */
struct model_kind {
	const char *name;
	const char *wants;
	int (*take)(struct model *m, const char *args, struct err *err);
	double (*value)(const struct model *m, const struct draw *draw, double *walk);
	const char *(*text)(const struct model *m, const struct draw *draw);
	bool bare; /* its arguments may be absent, with the colon */
};

enum { MODEL_KINDS_MOST = 16, MODEL_DECIMALS = 9 };

/* The first one is a constant: what any other text is. */
extern const struct model_kind model_kinds[];
extern const size_t model_kinds_count;

double model_walk_on(const struct model *m, const struct draw *draw, double *walk);
/* Adds a text to m->values, as JSON. */
void model_add_value(struct model *m, const char *text);

#endif
