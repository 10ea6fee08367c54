/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IOTCTL_ACL_ACL_H
#define IOTCTL_ACL_ACL_H

#include "model/topic_set.h"
#include "iotctl/core/objects.h"
#include "iotctl/core/view.h"

enum acl_action { ACL_PUBLISH = 1, ACL_SUBSCRIBE = 2, ACL_ALL = 3 };

/* As EMQX's built-in database has them: of the rules of a user the first that matches decides. */
struct acl_rule {
	char *username;
	bool allow;
	enum acl_action action;
	char *topic; /* a filter; "eq T" is T itself; may hold ${username}, ${clientid} */
	int qos;     /* only this one; -1: any */
	int retain;  /* 0, 1; -1: both */
	json_int_t id; /* on the platform; 0: it is made here */
};

/* The zero value is empty; owns its texts (acl_release). Nothing here blocks. */
struct acl {
	struct acl_rule *v;
	size_t n;
	bool derived; /* made from topics and device-config: the platform keeps no rules */
	size_t left_out; /* rules that cannot be, each with its error line by now */
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
/* `rule` (may be NULL) is the one that decided, in `a`; untouched when none did. */
enum acl_verdict acl_decide(
    const struct acl *a, const struct acl_question *q, const struct acl_rule **rule);
/* "publish", "subscribe" or "all"; and back, 0 for any other word. */
const char *acl_action_word(enum acl_action action);
unsigned acl_action_of(const char *word);
/* What denies a user the rest on EMQX, where "#" does not match what begins with "$". In this order. */
#define ACL_REST 2
extern const char *const acl_rest[ACL_REST];
void acl_release(struct acl *a);

/* The rules of one account among objects of emqx-acl, in their order. Adds to `out`. */
void acl_of_rules(const struct objects *rules, const char *username, struct acl *out);
/* The rules of a device: those of its account at the broker, where the platform keeps rules, else what
 * its device-config and the templates of `topics` need, everything else denied. `username` (free)
 * is the name they hold for; "" when the device has none. Adds to `out`. */
void acl_of_device(const struct view *v, const struct topic_set *topics, struct span device,
    struct acl *out, char **username);
/* Makes "#" in the rules of `username`, the last ones, mean all topics: rules of those that begin with "$" come
 * before it where it matters, and the last one denies the user all, unless it allows all. */
void acl_close(struct acl *a, const char *username);
/* The rules of one who works with all devices: a broker's own user. Adds to `out`. */
void acl_of_service(const struct view *v, const struct topic_set *topics,
    const char *username, struct acl *out);
/* A pattern of the platform for one device (NULL: for any) as a filter (free); NULL if it is no topic, or would
 * be one of other devices too. */
char *acl_filter(const char *pattern, const char *device);

#endif
