/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTPUB_SIM_FAULT_H
#define IOTPUB_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* What devices do wrong on purpose: --fault. */
enum fault {
	FAULT_DROP, /* the reading is not published */
	FAULT_FLAP, /* the connection breaks off without a goodbye, and is made again */
	FAULT_LATE, /* the reading is published behind the next one */
	FAULT_GARBAGE,   /* its payload is mutilated */
	FAULT_WRONG_ID,  /* its payload claims another device */
	FAULT_DUPLICATE, /* it is published twice */
	FAULTS
};

struct faults {
	double rate[FAULTS]; /* 0 to 1 */
	uint64_t count[FAULTS];
};

/* Takes "NAME=P" words; ERR_USAGE for what is none. */
int faults_parse(struct faults *f, const struct strv *words, struct err *err);
/* Whether it happens this time; counted. `random`: the state of a sequence (values/model.h), which moves on
 * only for a fault that was asked for. */
bool fault_strikes(struct faults *f, enum fault which, uint64_t *random);
/* Appends "drop 3, late 1": those that were asked for; nothing if none was. */
void faults_put(struct buf *out, const struct faults *f);
/* Cuts a payload off somewhere and puts a byte behind it that is no UTF-8. */
void fault_mutilate(struct buf *payload, uint64_t *random);

#endif
