/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACL_H
#define ACL_H

#include "view.h"

enum acl_action { ACL_PUBLISH = 1, ACL_SUBSCRIBE = 2, ACL_ALL = 3 };

/* As EMQX's built-in database has them: the first rule that matches decides. */
struct acl_rule {
	char *username;
	bool allow;
	enum acl_action action;
	char *topic; /* a filter; "eq T" is T itself; may hold ${username}, ${clientid} */
	int qos;     /* only this one; -1: any */
	int retain;  /* 0, 1; -1: both */
};

struct acl {
	struct acl_rule *v;
	size_t n;
	bool derived; /* made from topics and device-config: the platform keeps no rules */
};

/* What a client is about to do. */
struct acl_question {
	const char *username, *clientid;
	enum acl_action action;
	const char *topic;
	int qos;    /* -1: any */
	int retain; /* -1: either */
};

enum acl_verdict { ACL_NO_RULE, ACL_ALLOWED, ACL_DENIED };
/* `rule` (may be NULL) is the one that decided. */
enum acl_verdict acl_decide(
    const struct acl *a, const struct acl_question *q, const struct acl_rule **rule);
const char *acl_action_word(enum acl_action action);
void acl_release(struct acl *a);

/* The rules of one account among objects of emqx-acl, in their order. Adds to `out`. aclsource.c. */
void acl_of_rules(const struct objects *rules, const char *username, struct acl *out);
/* The rules of a device: those of its account at the broker, where the platform keeps rules, else what
 * its device-config and the templates of `topics` need, everything else denied. `username` (free)
 * is the name they hold for; "" when the device has none. Adds to `out`. aclsource.c. */
void acl_of_device(const struct view *v, const struct topics *topics, struct span device,
    struct acl *out, char **username);
/* A pattern of the platform for one device as a filter (free); NULL if it is no good. */
char *acl_filter(const char *pattern, const char *device);

#endif
