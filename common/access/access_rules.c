/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access_rules.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

/* One login that rules are added to, for one device or (NULL) for all. */
struct making {
	struct access_list *list;
	const char *username, *device;
};

static bool
denies_rest(const struct access_rule *r)
{
	return !r->allow &&
	    (strcmp(r->topic, access_rest[0]) == 0 ||
		strcmp(r->topic, access_rest[1]) == 0);
}

/* Devices may share a login, with each other and with a service: the denials of the
 * rest must come behind what is about to be added. */
static void
reopen(struct access *a)
{
	while (a->n > 0 && denies_rest(&a->v[a->n - 1]))
		free(a->v[--a->n].topic);
}

static void
add_rule(struct access *a, bool allow, enum access_action action, const char *topic)
{
	access_add(a,
	    &(struct access_rule){.allow = allow,
		.action = action,
		.topic = (char *)topic,
		.qos = -1,
		.retain = -1});
}

static void
add_permission(struct access *a, enum access_action action, const char *filter)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (a->v[i].action == action && strcmp(a->v[i].topic, filter) == 0)
			return;
	}
	add_rule(a, true, action, filter);
}

char *
access_rules_filter(const char *pattern, const char *device)
{
	static const char mark[] = "{device_id}";
	struct buf text = {0};
	const char *at;
	struct topic *t = NULL;
	char *filter = NULL;

	while (device != NULL && (at = strstr(pattern, mark)) != NULL) {
		/* Another level, or a wildcard, would be the topics of others. */
		if (device[0] == '\0' || strpbrk(device, "+#/") != NULL) {
			buf_release(&text);
			return NULL;
		}
		buf_put(&text, pattern, (size_t)(at - pattern));
		buf_puts(&text, device);
		pattern = at + sizeof(mark) - 1;
	}
	buf_puts(&text, pattern);
	if (topic_compile(&t, buf_str(&text), NULL) == 0)
		filter = topic_filter(t);
	topic_free(t);
	buf_release(&text);
	return filter;
}

static void
add_pattern(const struct making *m, enum access_action action, const char *pattern)
{
	char *filter = access_rules_filter(pattern, m->device);

	if (filter != NULL) {
		add_permission(access_user(m->list, m->username), action, filter);
	} else {
		log_error(m->device != NULL
			? _("'%s' may not %s '%s': with device '%s' that is no topic")
			: _("'%s' may not %s '%s': that is no topic"),
		    m->username, access_action_word(action), pattern, m->device);
		m->list->left_out++;
	}
	free(filter);
}

static void
add_patterns(
    const struct making *m, enum access_action action, const struct strv *patterns)
{
	size_t i;

	for (i = 0; patterns != NULL && i < patterns->n; i++)
		add_pattern(m, action, patterns->v[i]);
}

void
access_rules_of_device(
    struct access_list *l, const struct topic_set *topics, const struct access_device *d)
{
	const struct topic *const writes[] = {
	    topics->data, topics->status, topics->responses, topics->alerts};
	const struct making m = {l, d->username, d->id};
	size_t i;

	reopen(access_user(l, d->username));
	add_patterns(&m, ACCESS_PUBLISH, d->publish);
	for (i = 0; i < ARRAY_LEN(writes); i++)
		add_pattern(&m, ACCESS_PUBLISH, topic_text(writes[i]));
	add_patterns(&m, ACCESS_SUBSCRIBE, d->subscribe);
	add_pattern(&m, ACCESS_SUBSCRIBE, topic_text(topics->commands));
	add_pattern(&m, ACCESS_SUBSCRIBE, topic_text(topics->status));
	for (i = 0; i < ACCESS_REST; i++)
		add_rule(access_user(l, d->username), false, ACCESS_ALL, access_rest[i]);
}

/* Who is a device's login as well may have a denial of "$SYS/#" in front of a "#" (access_close): this must not
 * come behind it. */
static void
add_clients(struct access *a)
{
	struct access_rule rule;
	size_t at = 0, n = a->n;

	add_permission(a, ACCESS_SUBSCRIBE, "$SYS/brokers/+/clients/#");
	if (a->n == n)
		return;
	rule = a->v[n];
	while (at < n && (a->v[at].allow || strcmp(a->v[at].topic, access_rest[1]) != 0))
		at++;
	memmove(&a->v[at + 1], &a->v[at], (n - at) * sizeof(rule));
	a->v[at] = rule;
}

void
access_rules_of_service(struct access_list *l, const struct topic_set *topics,
    const char *username, const struct strv *patterns)
{
	const struct topic *const reads[] = {
	    topics->data, topics->status, topics->responses, topics->alerts};
	const struct making m = {l, username, NULL};
	size_t i;

	reopen(access_user(l, username));
	for (i = 0; i < ARRAY_LEN(reads); i++)
		add_pattern(&m, ACCESS_SUBSCRIBE, topic_text(reads[i]));
	add_patterns(&m, ACCESS_SUBSCRIBE, patterns);
	add_clients(access_user(l, username));
	add_pattern(&m, ACCESS_PUBLISH, topic_text(topics->commands));
	/* A device's last word is taken back, or corrected, by others when it is gone. */
	add_pattern(&m, ACCESS_PUBLISH, topic_text(topics->status));
	add_permission(access_user(l, username), ACCESS_ALL, ACCESS_PROBE "#");
}
