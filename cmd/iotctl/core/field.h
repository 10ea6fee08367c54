/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_CORE_FIELD_H
#define IOTCTL_CORE_FIELD_H

#include "base/buf.h"

/* How a word gives a field its value. */
enum field_op {
	FIELD_NONE, /* it does not: a name */
	FIELD_TEXT, /* FIELD=TEXT */
	FIELD_JSON, /* FIELD:=JSON */
	FIELD_FILE, /* FIELD@FILE, FIELD@- or FIELD@ for a prompt */
	FIELD_ADD,  /* FIELD+=X: to a list */
	FIELD_DROP, /* FIELD-=X: from a list */
};

struct field_word {
	enum field_op op;
	struct span name; /* into the word */
	char *value;      /* into the word, what follows the operator */
};

/* Takes a word of the command line apart: a FIELD is letters, digits and "_" before the first of
 * += -= := = @. Whether that field exists is for the caller to see. */
struct field_word field_split(char *word);

#endif
