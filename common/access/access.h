/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/strv.h"
#include "model/topic_set.h"

/*
 * Who may do what at the broker: one description, for whoever asks and for each broker's own form. A login has
 * rules in an order, and the first that fits decides, as in EMQX's built-in database. A rule's topic is a
 * filter, in which "#" and "+" at its beginning are not for topics that begin with "$"; "eq T" is T itself, byte
 * by byte; "${username}" and "${clientid}" stand for the client's own. Nothing here blocks.
 */
enum access_action { ACCESS_PUBLISH = 1, ACCESS_SUBSCRIBE = 2, ACCESS_ALL = 3 };

struct access_rule {
	bool allow;
	enum access_action action;
	char *topic;
	int qos;      /* only this one; -1: any */
	int retain;   /* 0, 1; -1: both. Of publications */
	long long id; /* on the platform; 0: it is made here */
};

/* What one login may do. */
struct access {
	char *username;
	struct access_rule *v;
	size_t n;
};

/* Logins, each once, in the order they came. Owns its texts; the zero value is empty. */
struct access_list {
	struct access *v;
	size_t n;
	struct hash_table index; /* by user name */
	size_t left_out; /* rules that cannot be, each with its error line by now */
};

/* The login of this name, made when it is not there; NULL from access_find. Valid until the next is made. */
struct access *access_user(struct access_list *l, const char *username);
const struct access *access_find(const struct access_list *l, const char *username);
/* Adds a rule behind the others; copies. */
void access_add(struct access *a, const struct access_rule *rule);
void access_release(struct access_list *l);

/* What a client is about to do: publish to a topic, or subscribe to a filter. */
struct access_question {
	const char *username, *clientid; /* for ${...}; NULL: "" */
	enum access_action action;       /* one of them */
	const char *topic;
	int qos;    /* -1: any */
	int retain; /* -1: either */
};

enum access_verdict { ACCESS_NO_RULE, ACCESS_ALLOWED, ACCESS_DENIED };
/* May X do A on T at QoS q? A rule is about a subscription when it takes all that the filter would bring;
 * $share/GROUP/T and $queue/T are T, $delayed/SECONDS/T to publish is T. A QoS or retain left open is about all of them: a
 * rule for one may deny it, but not allow it. `a` may be NULL: no rule. `rule` (may be NULL) is the one that
 * decided; untouched when none did. */
enum access_verdict access_decide(
    const struct access *a, const struct access_question *q, const struct access_rule **rule);

/* "publish", "subscribe" or "all"; and back, 0 for any other word. */
const char *access_action_word(enum access_action action);
unsigned access_action_of(const char *word);

/* What denies a login the rest, since "#" does not take what begins with "$". In this order. */
#define ACCESS_REST 2
extern const char *const access_rest[ACCESS_REST];

/* Makes "#" mean all topics, as the word `all` does in EMQX's acl.conf: rules of topics that begin with "$" come before it
 * where it matters, and the last one denies all, unless it allows all. */
void access_close(struct access *a);

#endif
