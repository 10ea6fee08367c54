/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/acl/acl.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

const char *const acl_rest[ACL_REST] = {"#", "$SYS/#"};

static const char *const action_words[] = {
    "", [ACL_PUBLISH] = "publish", [ACL_SUBSCRIBE] = "subscribe", [ACL_ALL] = "all"};

const char *
acl_action_word(enum acl_action action)
{
	return action_words[action];
}

unsigned
acl_action_of(const char *word)
{
	unsigned i = ACL_ALL;

	while (i > 0 && strcmp(action_words[i], word) != 0)
		i--;
	return i;
}

void
acl_release(struct acl *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		free(a->v[i].username);
		free(a->v[i].topic);
	}
	free(a->v);
	*a = (struct acl){0};
}

/* The rule's topic with the client's own names put in (free). */
static char *
filled_in(const char *topic, const struct acl_question *q)
{
	const struct {
		const char *mark, *value;
	} marks[] = {{"${username}", q->username}, {"${clientid}", q->clientid}};
	struct buf out = {0};
	size_t i;

	while (*topic != '\0') {
		for (i = 0; i < ARRAY_LEN(marks); i++) {
			size_t n = strlen(marks[i].mark);

			if (strncmp(topic, marks[i].mark, n) == 0) {
				buf_puts(
				    &out, marks[i].value != NULL ? marks[i].value : "");
				topic += n;
				break;
			}
		}
		if (i == ARRAY_LEN(marks))
			buf_putc(&out, *topic++);
	}
	return buf_steal(&out);
}

static bool
topic_fits(const struct acl_rule *r, const struct acl_question *q)
{
	char *filter = filled_in(r->topic, q);
	bool fits = strncmp(filter, "eq ", 3) == 0
	    ? strcmp(filter + 3, q->topic) == 0
	    : topic_filter_matches(filter, span_of(q->topic));

	free(filter);
	return fits;
}

/* Whether a rule for one value of QoS or retain (-1: for any) is about the
 * question's. A question that leaves the value open is about all of them: a rule for
 * one of them may deny it, but cannot allow it. */
static bool
fits_value(int rule, int question, bool allow)
{
	return rule < 0 || rule == question || (question < 0 && !allow);
}

enum acl_verdict
acl_decide(
    const struct acl *a, const struct acl_question *q, const struct acl_rule **rule)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct acl_rule *r = &a->v[i];

		if (strcmp(r->username, q->username) != 0 ||
		    (r->action & q->action) == 0 ||
		    !fits_value(r->qos, q->qos, r->allow) ||
		    (q->action == ACL_PUBLISH &&
			!fits_value(r->retain, q->retain, r->allow)) ||
		    !topic_fits(r, q))
			continue;
		if (rule != NULL)
			*rule = r;
		return r->allow ? ACL_ALLOWED : ACL_DENIED;
	}
	return ACL_NO_RULE;
}
