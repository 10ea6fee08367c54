/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * The option table: one row an option, the one source of parsing, configuration file keys,
 * environment variables, --help, completions, SYNOPSIS, ENVIRONMENT and iot.conf(5).
 *
 *	struct args { struct common common; struct mqtt_options mqtt; int qos; char *topic; };
 *	static const struct opt opts[] = {
 *		OPT_MQTT(struct args, mqtt),
 *		OPT_INT(struct args, qos, 'q', "qos", "LEVEL", 0, 2, N_("quality of service")),
 *		OPT_STR(struct args, topic, 't', "topic", "TOPIC", N_("where to publish"),
 *		    .key = "topic", .env = "IOT_TOPIC"),
 *		OPT_COMMON(struct args, common),
 *		OPT_END
 *	};
 *
 * Targets are members of one struct, given by offset, so that tables are constant data. The
 * macros hold the member's address in an unevaluated `1 ? &member : (type *)0`, so that a wrong
 * target type is a compiler diagnostic.
 */
enum opt_type {
	OPT_TYPE_END,
	OPT_TYPE_GROUP, /* a heading in --help: `help` is its text */
	OPT_TYPE_FLAG,  /* bool */
	OPT_TYPE_COUNT, /* int, one more each time */
	OPT_TYPE_INT,   /* int within min..max */
	OPT_TYPE_TIME,  /* int64_t milliseconds, at least min; text as text_duration */
	OPT_TYPE_SIZE,  /* int64_t bytes within min..max, text as text_size */
	OPT_TYPE_STR,   /* char *, owned */
	OPT_TYPE_ENUM,  /* int, index into `choices` */
	OPT_TYPE_LIST,  /* struct strv, one more each time */
	OPT_TYPE_REST,  /* struct strv: the words behind it, all there are; only in argv */
	OPT_TYPE_ASK,   /* int, one of enum opt_ask: --help and its like */
};

enum opt_ask { OPT_ASK_NOTHING, OPT_ASK_HELP, OPT_ASK_VERSION, OPT_ASK_SPEC };

enum opt_flag {
	OPT_SECRET = 1, /* blanked in argv once copied, warned of on a terminal */
	OPT_HIDDEN = 2, /* not in --help, pages or completions */
	OPT_FILE = 4,   /* completes file names */
	OPT_DIR = 8,    /* completes directory names */
	OPT_COMMAS = 16, /* a list that also splits each value at commas */
};

struct opt {
	enum opt_type type;
	char letter;         /* 0: none */
	const char *name;    /* long option; NULL: only a key of the configuration file */
	const char *arg;     /* metavariable; NULL: takes no argument */
	const char *help;    /* one line, N_() */
	size_t offset;       /* of the target */
	int64_t min, max;
	const char *choices; /* "a|b|c" */
	const char *key;     /* configuration key */
	const char *env;     /* environment variable */
	const char *preset;  /* the built-in value: opt_init sets it */
	const char *value;   /* where there is none, what people read in its place */
	/* In argv it is refused without one of these others, by their long names: "a|b=choice|c"; with "!d" among them it
	 * needs them only where d is given. Of a group: so are its rows that have none of their own. A key waits for them. */
	const char *needs;
	/* The commands that use it, "apply|broker sync", without which it is refused in argv; "": none does, only the
	 * program without one, which reads them from standard input. NULL: all. A key waits for them. */
	const char *of;
	/* Of a list in argv: how many of the n words behind its argument belong to it, too; more than n: some are
	 * missing. NULL: none. */
	size_t (*more)(char *const *next, size_t n);
	unsigned flags;
};

/* The offset of a member, with its type checked. */
#define OPT_AT(T, member, type)                                                          \
	(offsetof(T, member) + 0 * sizeof(1 ? &((T *)0)->member : (type *)0))

#define OPT_GROUP(text, ...) {.type = OPT_TYPE_GROUP, .help = (text), __VA_ARGS__}
#define OPT_FLAG(T, m, l, n, h, ...)                                                     \
	{.type = OPT_TYPE_FLAG, .letter = (l), .name = (n), .help = (h),                 \
	    .offset = OPT_AT(T, m, bool), __VA_ARGS__}
#define OPT_COUNT(T, m, l, n, h, ...)                                                    \
	{.type = OPT_TYPE_COUNT, .letter = (l), .name = (n), .help = (h),                \
	    .offset = OPT_AT(T, m, int), __VA_ARGS__}
#define OPT_INT(T, m, l, n, a, lo, hi, h, ...)                                           \
	{.type = OPT_TYPE_INT, .letter = (l), .name = (n), .arg = (a), .help = (h),      \
	    .offset = OPT_AT(T, m, int), .min = (lo), .max = (hi), __VA_ARGS__}
#define OPT_TIME(T, m, l, n, a, h, ...)                                                  \
	{.type = OPT_TYPE_TIME, .letter = (l), .name = (n), .arg = (a), .help = (h),     \
	    .offset = OPT_AT(T, m, int64_t), __VA_ARGS__}
#define OPT_SIZE(T, m, l, n, a, lo, hi, h, ...)                                          \
	{.type = OPT_TYPE_SIZE, .letter = (l), .name = (n), .arg = (a), .help = (h),     \
	    .offset = OPT_AT(T, m, int64_t), .min = (lo), .max = (hi), __VA_ARGS__}
#define OPT_STR(T, m, l, n, a, h, ...)                                                   \
	{.type = OPT_TYPE_STR, .letter = (l), .name = (n), .arg = (a), .help = (h),      \
	    .offset = OPT_AT(T, m, char *), __VA_ARGS__}
#define OPT_ENUM(T, m, l, n, a, c, h, ...)                                               \
	{.type = OPT_TYPE_ENUM, .letter = (l), .name = (n), .arg = (a), .help = (h),     \
	    .offset = OPT_AT(T, m, int), .choices = (c), __VA_ARGS__}
#define OPT_LIST(T, m, l, n, a, h, ...)                                                  \
	{.type = OPT_TYPE_LIST, .letter = (l), .name = (n), .arg = (a), .help = (h),     \
	    .offset = OPT_AT(T, m, struct strv), __VA_ARGS__}
#define OPT_REST(T, m, l, n, a, h, ...)                                                  \
	{.type = OPT_TYPE_REST, .letter = (l), .name = (n), .arg = (a), .help = (h),     \
	    .offset = OPT_AT(T, m, struct strv), __VA_ARGS__}
#define OPT_END {.type = OPT_TYPE_END}

/* What every program has. `-h` and `-V` are letters of help and version only where the program
 * does not speak MQTT (there they are the host and the protocol version). */
struct common {
	char *config;
	char *context;
	bool quiet;
	int verbose;
	int ask;
	bool context_may_miss; /* set by main: a context that is nowhere is no error but ... */
	bool context_missing;  /* ... told here (iotctl login makes it) */
};

#define OPT_ASK(T, m, l, n, h, v, ...)                                                   \
	{.type = OPT_TYPE_ASK, .letter = (l), .name = (n), .help = (h),                  \
	    .offset = OPT_AT(T, m, int), .min = (v), __VA_ARGS__}
#define OPT_COMMON_(T, m, help_letter, version_letter, verbose_letter, quiet_letter)     \
	OPT_GROUP(N_("General options")),                                                \
	    OPT_STR(T, m.config, 0, "config", "FILE",                                    \
		N_("read this configuration file instead of the user's"),                \
		.env = "IOT_CONFIG", .flags = OPT_FILE),                                 \
	    OPT_STR(T, m.context, 0, "context", "NAME",                                  \
		N_("use this context of the configuration"), .key = "context",           \
		.env = "IOT_CONTEXT"),                                                   \
	    OPT_FLAG(T, m.quiet, quiet_letter, "quiet", N_("say nothing but errors")),   \
	    OPT_COUNT(T, m.verbose, verbose_letter, "verbose",                           \
		N_("say more; twice: each HTTP request and MQTT packet")),               \
	    OPT_ASK(T, m.ask, help_letter, "help", N_("show this help"), OPT_ASK_HELP),  \
	    OPT_ASK(T, m.ask, version_letter, "version", N_("show the version"),         \
		OPT_ASK_VERSION),                                                        \
	    OPT_ASK(T, m.ask, 0, "print-spec", "", OPT_ASK_SPEC, .flags = OPT_HIDDEN)

/* For iotctl, iotapi. */
#define OPT_COMMON(T, m) OPT_COMMON_(T, m, 'h', 'V', 'v', 0)
/* For iotstatus: quiet has a letter where none is the QoS. */
#define OPT_COMMON_PLUGIN(T, m) OPT_COMMON_(T, m, 'h', 'V', 'v', 'q')
/* For iotpub, iotsub, iotingest: help and version have no letter. */
#define OPT_COMMON_MQTT(T, m) OPT_COMMON_(T, m, 0, 0, 0, 0)

/* A word of the command line that completions and pages know: "broker list", and what it does. */
struct opt_word {
	const char *path;
	const char *help;
};

struct program {
	const char *name;
	int section;                 /* of its manual page */
	const char *brief;           /* N_(): one line, as in the page's NAME */
	const char *const *usage;    /* what follows the name, a line a form; NULL-ended */
	const char *const *examples; /* N_(): "command" lines, shown first; NULL-ended */
	const struct opt *opts;
	const struct opt_word *words; /* NULL: none; ended by a NULL path */
	/* Appends what completions should offer as words when it cannot be constant data: a line
	 * "word\tPATH\tHELP" each. NULL: none. */
	void (*spec)(struct buf *out);
	int usage_status; /* exit status for wrong usage; 0: ERR_USAGE. iotstatus: 3 */
	/* What it is, to its end, when it has started itself under this name (argv[0]); NULL: it never does. */
	const char *child_name;
	void (*child)(void);
};

/* Where a value comes from, weakest first: a source never replaces a stronger one's value. */
enum opt_source {
	OPT_FROM_BUILTIN,
	OPT_FROM_SYSTEM_FILE,
	OPT_FROM_USER_FILE,
	OPT_FROM_CONTEXT,
	OPT_FROM_ENV,
	OPT_FROM_ARGV,
};

struct opt_origin {
	enum opt_source source;
	char *where; /* "FILE:LINE", a variable's or option's name; NULL for the built-in value */
};

/* A table at work: rows, the struct they point into, and where each value came from. */
struct opt_set {
	const struct program *program;
	void *base;
	struct opt_origin *origin; /* one a row */
	size_t count;              /* rows without the end */
};

/* `base` is the struct of targets and is kept; the presets are set there. */
void opt_init(struct opt_set *set, const struct program *program, void *base);
/* Frees the strings and lists of the targets too. */
void opt_release(struct opt_set *set);

/* Parses argv as getopt_long does, operands anywhere, "--" ends the options. On return
 * argv[*first..argc-1] are the operands. An error says what was wrong and what would be right
 * ("did you mean"). Blanks OPT_SECRET arguments. Behind an OPT_TYPE_REST, if there is one, nothing is
 * ours: argv ends there, and a word that looks like an option of ours is warned of. */
int opt_parse(struct opt_set *set, int argc, char **argv, int *first, struct err *err);

/* Whether each option of argv has what it needs, when all sources are read; else ERR_USAGE. */
int opt_check_needs(const struct opt_set *set, struct err *err);
/* Whether it would be refused for that, if the option at `offset` were given. */
bool opt_lacks_needs(const struct opt_set *set, size_t offset);

/* Whether each option of argv is one of the command, a word or two as in `of`, or of its general form ("RESOURCE list");
 * NULL: it has none. Else ERR_USAGE, which tells whose it is. Those that a shell was begun with, `held`, are for whichever
 * of its commands uses them; NULL: there is no shell. */
int opt_check_command(const struct opt_set *set, const struct opt_set *held,
    const char *command, const char *general, struct err *err);
bool opt_is_of(const struct opt *row, const char *command, const char *general);

/* Sets one row from text, if `source` is at least as strong as what set it before; a list of a
 * weaker source is replaced. `where` is copied. */
int opt_set_text(struct opt_set *set, const struct opt *row, const char *text,
    enum opt_source source, const char *where, struct err *err);

/* The row with this configuration key, or NULL. */
const struct opt *opt_by_key(const struct opt_set *set, const char *key);
/* What help and pages show as the built-in value, or NULL. */
const char *opt_builtin(const struct opt *row);
/* Where the value of the member at `offset` came from; owned by the set. */
const struct opt_origin *opt_origin_of(const struct opt_set *set, size_t offset);
enum opt_source opt_source_of(const struct opt_set *set, size_t offset);

/* The --help text, the --version line and the machine-readable table that `make gen` reads. */
void opt_help(const struct opt_set *set, struct buf *out);
void opt_version(const struct opt_set *set, struct buf *out);
void opt_spec(const struct opt_set *set, struct buf *out);

#endif
