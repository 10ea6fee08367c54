/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_SYNC_SYNC_H
#define IOTCTL_SYNC_SYNC_H

#include "access/access.h"
#include "base/hash.h"
#include "iotctl/apply/sent_secrets.h"
#include "iotctl/core/view.h"
#include "iotctl/login/password_file.h"
#include "iotctl/output/progress.h"

/*
 * broker sync: makes the logins and rules of a broker equal to the platform's. sync_wanted.c says what there should be,
 * a driver reads what there is and changes it, sync_plan.c compares in between. It stops anywhere and goes on at the next
 * run, which compares again. Of a password that a broker does not show, a keyed hash is remembered when it was sent.
 */

/* What is to be done about a login. */
enum sync_todo {
	SYNC_LOGIN = 1,    /* it is made, with its password */
	SYNC_PASSWORD = 2, /* it gets another one */
	SYNC_RULES = 4,    /* its rules become what they should be */
	SYNC_REMOVE = 8,   /* it goes, with its rules */
};

struct sync_user {
	char *username;
	char *device;         /* whose it is; NULL: a service's, or nobody's */
	bool known, wanted;   /* the platform knows it, and lets it in */
	bool chosen;          /* it is one of those to be synced */
	bool kept;            /* not known, and never pruned: an administrator */
	bool certified;       /* it shows a certificate of this name: no password is needed */
	const char *password; /* NULL: not known; of the credentials file */
	char *hash;           /* $7$...; NULL: not known */
	char *rules;          /* in the driver's words, a line each; NULL: it has none, or they cannot be said */
	/* The broker's. */
	bool there;
	char *hash_there;  /* of its password; NULL: the broker does not show it */
	char *rules_there; /* NULL: none */
	unsigned note;     /* the driver's own */
	unsigned todo;     /* enum sync_todo */
	bool failed;       /* with its error line by now */
	bool done;         /* all of `todo` */
	bool cut; /* its connection was ended, and its device's status may not say so */
};

struct sync;

/* How one kind of broker is read and changed. All block; -1: nothing more can be done. */
struct sync_driver {
	const char *name; /* as --driver has it */
	const char *by_hand; /* the program that makes its logins by hand */
	const char *let_read_and_publish; /* N_(): how a user of it gets the right to do both on a topic */
	bool rules_alone; /* rules can be there before the login is */
	bool sends_wills;  /* of connections that it ends itself */
	bool reads_late;  /* what is applied counts when the broker has read it, which is not told */
	/* Before anything is read: checks what it needs. */
	int (*open)(struct sync *s, struct err *err);
	/* Locks what it writes, against every user of this machine; the broker's row says where it is. A descriptor, -1. */
	int (*lock)(struct sync *s, struct span broker, struct err *err);
	/* Tells what there is with sync_found, and warns of what makes the rules worth nothing. */
	int (*read)(struct sync *s, struct err *err);
	/* Whether there can be a login of this name; err says why not. NULL: of any. */
	int (*check_name)(const char *username, struct err *err);
	/* A login's rules in its words, a line each, as `read` tells them. -1: they cannot be said; err says why. */
	int (*render)(struct sync *s, const struct access *a, struct buf *out, struct err *err);
	/* Does what there is to do about each user, with sync_done or sync_failed for each that has something. */
	int (*apply)(struct sync *s, struct err *err);
	void (*close)(struct sync *s);
};

extern const struct sync_driver sync_files, sync_dynsec, sync_emqx;

struct sync {
	struct ctl *c;
	const struct sync_driver *driver;
	void *own; /* the driver's */
	char *name; /* the broker's */
	int lock;   /* the driver's, until the end; -1: none */
	int held;   /* the context's lock; -1: none */
	struct view view;
	struct topic_set topics;
	struct password_file passwords;
	struct access_list access;
	struct sync_user *v;
	size_t n;
	struct hash_table index;
	struct sent_secrets sent;
	unsigned loss;      /* enum acl_file_loss */
	/* Wanted, not there, and without a password: of devices, and of others. */
	size_t unreachable, unreachable_services;
	size_t strangers;   /* there, and the platform does not know them */
	size_t failed;
	size_t made, given, ruled, removed; /* done */
	struct progress progress; /* of users, while the driver works */
	size_t done;
};

/* The user of this name; NULL: none. */
struct sync_user *sync_find(struct sync *s, const char *username);
/* ... made when it is not there. Valid until the next is made. */
struct sync_user *sync_user(struct sync *s, const char *username);
/* A driver's: the broker has this login (`there`), or only rules for it. `hash` and `rules` may be NULL. */
struct sync_user *sync_found(
    struct sync *s, const char *username, bool there, const char *hash, const char *rules);
/* A driver's: all of u->todo is done, and counted; it could not be, which is told. */
void sync_done(struct sync *s, struct sync_user *u);
void sync_failed(struct sync *s, struct sync_user *u, const struct err *why);
/* Whether the password was sent already, as far as is remembered. */
bool sync_was_sent(struct sync *s, const struct sync_user *u);

/* sync_begin.c. What --driver names; NULL: nobody gave it. */
const struct sync_driver *sync_driver(const struct ctl *c);
/* With s->c, and a driver that is named: nobody else of the context changes logins until sync_end, which is for every case. */
int sync_begin(struct sync *s, struct err *err);
void sync_end(struct sync *s);

/* sync_wanted.c: what the platform holds for a broker, by its name; with `devices` only theirs is chosen. Blocks. */
int sync_want(struct sync *s, const char *broker, const struct strv *devices, struct err *err);
/* sync_plan.c: fills in what is to do about each. Returns how many have something. */
size_t sync_plan(struct sync *s, struct err *err);
void sync_show(const struct sync *s);
/* How many have something of these bits to do. */
size_t sync_count(const struct sync *s, unsigned todo);
/* sync_status.c: the retained statuses of those that lost their logins, in this run or in one that could not correct them,
 * and of those that are `cut`, say so, by the login of the MQTT options. -1: what went wrong was told, and statuses are
 * wrong. Blocks. */
int sync_correct(struct sync *s);
/* sync_verify.c: real logins of some, who publish and subscribe under a probe's id. Blocks. */
int sync_verify(struct sync *s, struct err *err);

#endif
