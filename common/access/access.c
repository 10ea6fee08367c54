/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

const char *const access_rest[ACCESS_REST] = {"#", "$SYS/#"};

static const char *const action_words[] = {"", [ACCESS_PUBLISH] = "publish",
    [ACCESS_SUBSCRIBE] = "subscribe", [ACCESS_ALL] = "all"};

const char *
access_action_word(enum access_action action)
{
	return action_words[action];
}

unsigned
access_action_of(const char *word)
{
	unsigned i = ACCESS_ALL;

	while (i > 0 && strcmp(action_words[i], word) != 0)
		i--;
	return i;
}

const struct access *
access_find(const struct access_list *l, const char *username)
{
	struct hash_search s = hash_find(&l->index, hash_of(span_of(username)));
	size_t i;

	while (hash_next(&s, &i)) {
		if (strcmp(l->v[i].username, username) == 0)
			return &l->v[i];
	}
	return NULL;
}

struct access *
access_user(struct access_list *l, const char *username)
{
	const struct access *there = access_find(l, username);

	if (there != NULL)
		return &l->v[there - l->v];
	if ((l->n & (l->n - 1)) == 0)
		l->v = xreallocarray(l->v, l->n != 0 ? 2 * l->n : 1, sizeof(*l->v));
	l->v[l->n] = (struct access){.username = xstrdup(username)};
	hash_table_add(&l->index, hash_of(span_of(username)), l->n);
	return &l->v[l->n++];
}

void
access_add(struct access *a, const struct access_rule *rule)
{
	a->v = xreallocarray(a->v, a->n + 1, sizeof(*a->v));
	a->v[a->n] = *rule;
	a->v[a->n++].topic = xstrdup(rule->topic);
}

void
access_release(struct access_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		struct access *a = &l->v[i];

		while (a->n > 0)
			free(a->v[--a->n].topic);
		free(a->v);
		free(a->username);
	}
	free(l->v);
	hash_table_release(&l->index);
	*l = (struct access_list){0};
}

/* The rule's topic with the client's own names put in (free). */
static char *
filled_in(const char *topic, const struct access_question *q)
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

static const char *
behind_levels(const char *topic, int levels)
{
	const char *at = topic;

	for (; levels > 0; levels--) {
		at = strchr(at, '/');
		if (at == NULL)
			return topic;
		at++;
	}
	return at;
}

/* The topic that a broker checks in place of one with an order to itself in front. */
static const char *
checked_topic(const struct access_question *q)
{
	static const struct {
		const char *prefix;
		int levels;
		enum access_action action;
	} orders[] = {{"$share/", 2, ACCESS_SUBSCRIBE}, {"$queue/", 1, ACCESS_SUBSCRIBE},
	    {"$delayed/", 2, ACCESS_PUBLISH}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(orders); i++) {
		if (q->action == orders[i].action &&
		    strncmp(q->topic, orders[i].prefix, strlen(orders[i].prefix)) == 0)
			return behind_levels(q->topic, orders[i].levels);
	}
	return q->topic;
}

static bool
topic_fits(const struct access_rule *r, const struct access_question *q)
{
	const char *topic = checked_topic(q);
	char *filled = strstr(r->topic, "${") != NULL ? filled_in(r->topic, q) : NULL;
	const char *filter = filled != NULL ? filled : r->topic;
	bool fits;

	if (strncmp(filter, "eq ", 3) == 0)
		fits = strcmp(filter + 3, topic) == 0;
	else
		fits = topic_filter_covers(filter, topic);
	free(filled);
	return fits;
}

/* Whether a rule for one value of QoS or retain (-1: for any) is about the
 * question's. */
static bool
fits_value(int rule, int question, bool allow)
{
	return rule < 0 || rule == question || (question < 0 && !allow);
}

enum access_verdict
access_decide(const struct access *a, const struct access_question *q,
    const struct access_rule **rule)
{
	size_t i;

	for (i = 0; a != NULL && i < a->n; i++) {
		const struct access_rule *r = &a->v[i];

		if ((r->action & q->action) == 0 ||
		    !fits_value(r->qos, q->qos, r->allow) ||
		    (q->action == ACCESS_PUBLISH &&
			!fits_value(r->retain, q->retain, r->allow)) ||
		    !topic_fits(r, q))
			continue;
		if (rule != NULL)
			*rule = r;
		return r->allow ? ACCESS_ALLOWED : ACCESS_DENIED;
	}
	return ACCESS_NO_RULE;
}

/* "${username}" is a name yet to be put in. */
static bool
begins_with_dollar(const struct access_rule *r)
{
	const char *topic = strncmp(r->topic, "eq ", 3) == 0 ? r->topic + 3 : r->topic;

	return topic[0] == '$' && topic[1] != '{';
}

/* Whether a rule from there on allows all topics, or some that begin with "$": then
 * rules for "$..." must not stand behind a "#" that means these too. */
static bool
order_matters(const struct access *a, size_t from)
{
	size_t i;

	for (i = from; i < a->n; i++) {
		if (a->v[i].allow &&
		    (strcmp(a->v[i].topic, "#") == 0 || begins_with_dollar(&a->v[i])))
			return true;
	}
	return false;
}

static bool
is_everything(const struct access_rule *r)
{
	return strcmp(r->topic, "#") == 0 && r->action == ACCESS_ALL && r->qos < 0 &&
	    r->retain < 0;
}

void
access_close(struct access *a)
{
	size_t all = 0, i;

	while (all < a->n && strcmp(a->v[all].topic, "#") != 0)
		all++;
	for (i = all; order_matters(a, all) && i < a->n; i++) {
		struct access_rule rule = a->v[i];

		if (!begins_with_dollar(&rule))
			continue;
		memmove(&a->v[all + 1], &a->v[all], (i - all) * sizeof(rule));
		a->v[all++] = rule;
	}
	while (a->n > 1 && strcmp(a->v[a->n - 1].topic, access_rest[1]) == 0 &&
	    is_everything(&a->v[a->n - 2]))
		free(a->v[--a->n].topic);
	if (a->n == 0 || !is_everything(&a->v[a->n - 1]))
		access_add(a,
		    &(struct access_rule){
			.action = ACCESS_ALL, .topic = "#", .qos = -1, .retain = -1});
}
