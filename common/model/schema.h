/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The REST API's resources as data: only what a client can see of them. iotctl reads it to type, validate,
 * complete and show help; iotapi to make its tables, to validate and to answer. Each row was taken from the
 * answers of the platform's own API, and from its guide (ARCHITECTURE.md, "Words").
 */
enum schema_type {
	SCHEMA_INT,
	SCHEMA_FLOAT,
	SCHEMA_BOOL,
	SCHEMA_STRING,
	SCHEMA_TEXT,       /* a string of many lines (PEM, descriptions): tables do not show it */
	SCHEMA_CHOICE,     /* string, one of choices */
	SCHEMA_CHOICE_INT, /* integer, one of choices */
	SCHEMA_TIME,       /* RFC 3339 in answers */
	SCHEMA_REF,        /* id of another resource */
	SCHEMA_REFS,       /* array of ids */
	SCHEMA_JSON,       /* any JSON */
};

enum schema_flag {
	SCHEMA_REQUIRED = 1,   /* on create */
	SCHEMA_READ_ONLY = 2,  /* the server's */
	SCHEMA_WRITE_ONLY = 4, /* a secret: never in an answer, FIELD@FILE or a prompt */
	SCHEMA_NULLABLE = 8,
	SCHEMA_UNIQUE = 16,
	SCHEMA_BLANK = 32,    /* "" is allowed */
	SCHEMA_COLUMN = 64,   /* shown in a table */
	SCHEMA_ID = 128,      /* must match topic_check_id */
	SCHEMA_TEMPLATE = 256, /* must compile as a topic template */
	SCHEMA_DETAIL = 512,  /* only in the answer for one object */
	SCHEMA_DERIVED = 1024, /* made from other fields when an answer is built: not stored. iotapi
				* makes FIELD_display of a choice and FIELD_nombre of a reference by
				* itself; others need a row in cmd/iotapi/api/object.c */
	SCHEMA_STATE = 4096,    /* comes and goes by itself: no part of a configuration */
	SCHEMA_PLACE = 8192,    /* where the object's secrets are sent: they go with a change of it */
	SCHEMA_LOGIN = 16384,   /* a user name at brokers: one without ":" */
	SCHEMA_MAY_MISS = 2048, /* absent from answers, not null, when it has no value */
};

struct schema_choice {
	const char *value; /* as in JSON, an integer for SCHEMA_CHOICE_INT */
	const char *label; /* the API's *_display text (English here) */
};

struct schema_field {
	const char *name;        /* the API's own */
	const char *alias;       /* accepted on input, e.g. the English word; NULL: none */
	enum schema_type type;
	unsigned flags;
	double min, max;         /* INT and FLOAT: limits when min < max; strings: max length */
	const struct schema_choice *choices; /* ended by a NULL value */
	const char *preset;      /* the default, as JSON text; NULL: none, "null" unless required */
	const char *ref;         /* resource name, for REF and REFS */
	const char *used_if;     /* of a secret: the field of an answer that is empty or false when
	                          * there is none; NULL: nothing in an answer tells */
	const char *help;        /* N_() */
};

enum schema_verb {
	SCHEMA_LIST = 1,
	SCHEMA_GET = 2,
	SCHEMA_CREATE = 4,
	SCHEMA_SET = 8,
	SCHEMA_DELETE = 16,
	SCHEMA_ALL = 31,
};

/* How the value of a filter `?name=` must compare with that of `field`. */
enum schema_compare {
	SCHEMA_EQUAL,
	SCHEMA_FLAG,  /* it has no value: there or not; `field` must be true, or have one */
	SCHEMA_SINCE, /* times: `field` is this one or later ... */
	SCHEMA_UNTIL, /* ... or earlier */
};

/* A filter of a list. */
struct schema_filter {
	const char *name;
	const char *field;
	enum schema_compare compare;
};

struct schema_resource {
	const char *name;           /* "broker", as on iotctl's command line */
	const char *const *aliases; /* English and Spanish, plural too; NULL-ended */
	const char *path;           /* "/api/mqtt/brokers/" */
	const struct schema_field *fields; /* ended by a NULL name */
	unsigned verbs;
	bool optional;              /* not every backend has it: iotapi has not */
	const char *const *keys;    /* fields a name may match, first = natural key; NULL-ended */
	const struct schema_filter *filters; /* ended by a NULL name */
	const char *const *search;
	const char *const *ordering;
	const char *order;          /* default order: "-created_at", or "-is_active,nombre" */
	const char *help;           /* N_() */
};

/* All resources, ended by one with a NULL name. */
extern const struct schema_resource schema[];

/* By name or alias; NULL if there is none. */
const struct schema_resource *schema_find(const char *name);
/* As schema_find; the error says "did you mean" (ERR_USAGE). */
const struct schema_resource *schema_need(const char *name, struct err *err);
const struct schema_field *schema_field(const struct schema_resource *r, const char *name);
/* The filter of a list by its name; NULL if there is none. */
const struct schema_filter *schema_filter(const struct schema_resource *r, const char *name);
/* As schema_field, with an error that names the nearest or all fields (ERR_USAGE). */
const struct schema_field *schema_need_field(const struct schema_resource *r, const char *name,
    struct err *err);

#endif
