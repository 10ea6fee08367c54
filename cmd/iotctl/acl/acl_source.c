/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a device's rules come from: the platform's own, or its topics. */
#include "iotctl/acl/acl.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/topic_set.h"
#include "iotctl/core/objects.h"

static void
add_rule(struct acl *a, const char *username, bool allow, enum acl_action action,
    const char *topic, int qos, int retain)
{
	if (topic == NULL)
		return;
	a->v = xreallocarray(a->v, a->n + 1, sizeof(*a->v));
	a->v[a->n++] = (struct acl_rule){.username = xstrdup(username),
	    .allow = allow,
	    .action = action,
	    .topic = xstrdup(topic),
	    .qos = qos,
	    .retain = retain};
}

static void
shorten(struct acl *a, size_t n)
{
	while (a->n > n) {
		a->n--;
		free(a->v[a->n].username);
		free(a->v[a->n].topic);
	}
}

/* Where the user's rules begin if they are the last ones; a->n: they are not. */
static size_t
last_of(const struct acl *a, const char *username)
{
	size_t from = a->n;

	while (from > 0 && strcmp(a->v[from - 1].username, username) == 0)
		from--;
	return from;
}

static void
deny_rest(struct acl *a, const char *username)
{
	size_t i;

	for (i = 0; i < ACL_REST; i++)
		add_rule(a, username, false, ACL_ALL, acl_rest[i], -1, -1);
}

static bool
denies_rest(const struct acl_rule *r)
{
	return !r->allow &&
	    (strcmp(r->topic, acl_rest[0]) == 0 || strcmp(r->topic, acl_rest[1]) == 0);
}

/* Devices may share a login, with each other and with a broker's user: moves what
 * rules there are of it to the end, for more to be added, without the denials of the
 * rest, which must come after those. */
static void
move_last(struct acl *a, const char *username)
{
	struct acl_rule *own;
	size_t from = 0, n = 0;

	while (from < a->n && strcmp(a->v[from].username, username) != 0)
		from++;
	while (from + n < a->n && strcmp(a->v[from + n].username, username) == 0)
		n++;
	if (n == 0)
		return;
	own = xcalloc(n, sizeof(*own));
	memcpy(own, &a->v[from], n * sizeof(*own));
	memmove(&a->v[from], &a->v[from + n], (a->n - from - n) * sizeof(*own));
	memcpy(&a->v[a->n - n], own, n * sizeof(*own));
	free(own);
	for (; n > 0 && denies_rest(&a->v[a->n - 1]); n--)
		shorten(a, a->n - 1);
}

/* null and "" are any. */
static int
number_of(struct span object, const char *member)
{
	char *text = view_text_of(object, member);
	int n = text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;

	free(text);
	return n;
}

/* In the order they were made, as EMQX has them. */
static int
by_id(const void *a, const void *b)
{
	json_int_t x = lookup_id_of(*(const struct span *)a),
		   y = lookup_id_of(*(const struct span *)b);

	return x < y ? -1 : x > y;
}

void
acl_of_rules(const struct objects *all, const char *username, struct acl *out)
{
	struct span *own = xcalloc(all->n + 1, sizeof(*own));
	size_t n = 0, i;

	for (i = 0; i < all->n; i++) {
		struct span object = buf_as_span(&all->v[i]);

		if (view_member_is(object, "username", username))
			own[n++] = object;
	}
	qsort(own, n, sizeof(*own), by_id);
	for (i = 0; i < n; i++) {
		char *topic = view_text_of(own[i], "topic");
		char *word = view_text_of(own[i], "action");
		unsigned action = acl_action_of(word);

		add_rule(out, username, view_member_is(own[i], "permission", "allow"),
		    action != 0 ? (enum acl_action)action : ACL_ALL, topic,
		    number_of(own[i], "qos"), number_of(own[i], "retain"));
		out->v[out->n - 1].id = lookup_id_of(own[i]);
		free(word);
		free(topic);
	}
	free(own);
}

char *
acl_filter(const char *pattern, const char *device)
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
add_permission(
    struct acl *a, const char *username, enum acl_action action, const char *filter)
{
	size_t i;

	for (i = last_of(a, username); i < a->n; i++) {
		if (strcmp(a->v[i].topic, filter) == 0 && a->v[i].action == action)
			return;
	}
	add_rule(a, username, true, action, filter, -1, -1);
}

static void
add_pattern(struct acl *a, const char *username, const char *device,
    enum acl_action action, const char *pattern)
{
	char *filter = acl_filter(pattern, device);

	if (filter != NULL) {
		add_permission(a, username, action, filter);
	} else {
		log_error(device != NULL
			? _("'%s' may not %s '%s': with device '%s' that is no topic")
			: _("'%s' may not %s '%s': that is no topic"),
		    username, acl_action_word(action), pattern, device);
		a->left_out++;
	}
	free(filter);
}

static void
add_topic(const struct view *v, struct acl *a, const char *username, const char *device,
    enum acl_action action, const char *id)
{
	char *pattern = view_text_of(view_by(v, VIEW_TOPICS, "id", id), "topic_pattern");

	if (pattern[0] != '\0')
		add_pattern(a, username, device, action, pattern);
	free(pattern);
}

static void
add_derived_rules(const struct view *v, const struct topic_set *t, struct span device,
    const char *username, struct acl *out)
{
	struct span config =
	    view_by_id(v, VIEW_CONFIGS, "dispositivo", lookup_id_of(device));
	struct json_iter it = {0};
	char *id = view_text_of(device, "identificador_unico");
	char *publish = view_text_of(config, "publish_topic");

	out->derived = true;
	move_last(out, username);
	if (publish[0] != '\0')
		add_topic(v, out, username, id, ACL_PUBLISH, publish);
	add_pattern(out, username, id, ACL_PUBLISH, topic_text(t->data));
	add_pattern(out, username, id, ACL_PUBLISH, topic_text(t->status));
	add_pattern(out, username, id, ACL_PUBLISH, topic_text(t->responses));
	add_pattern(out, username, id, ACL_PUBLISH, topic_text(t->alerts));
	if (config.p != NULL && json_member(config, "subscribe_topics", &it.value)) {
		while (json_next(&it)) {
			char *one = xstrndup(it.item.p, it.item.n);

			add_topic(v, out, username, id, ACL_SUBSCRIBE, one);
			free(one);
		}
	}
	add_pattern(out, username, id, ACL_SUBSCRIBE, topic_text(t->commands));
	add_pattern(out, username, id, ACL_SUBSCRIBE, topic_text(t->status));
	deny_rest(out, username);
	free(publish);
	free(id);
}

void
acl_of_device(const struct view *v, const struct topic_set *topics, struct span device,
    struct acl *out, char **username)
{
	json_int_t id = lookup_id_of(device);
	struct span account = view_by_id(v, VIEW_ACCOUNTS, "dispositivo", id);
	struct span credential = view_by_id(v, VIEW_CREDENTIALS, "dispositivo", id);

	*username = view_text_of(account.p != NULL ? account : credential, "username");
	if ((*username)[0] == '\0')
		return;
	/* EMQX asks no rule about a superuser. */
	if (view_member_is(account, "is_superuser", "true"))
		add_rule(out, *username, true, ACL_ALL, "#", -1, -1);
	else if (account.p != NULL && !v->missing[VIEW_RULES])
		acl_of_rules(&v->v[VIEW_RULES], *username, out);
	else
		add_derived_rules(v, topics, device, *username, out);
}

/* Who is a device's login as well may have a denial of "$SYS/#" in front of a "#" (acl_close): this must not
 * come behind it. */
static void
add_clients(struct acl *a, const char *username)
{
	struct acl_rule rule;
	size_t at, n = a->n;

	add_permission(a, username, ACL_SUBSCRIBE, "$SYS/brokers/+/clients/#");
	if (a->n == n)
		return;
	rule = a->v[n];
	at = last_of(a, username);
	while (at < n && (a->v[at].allow || strcmp(a->v[at].topic, acl_rest[1]) != 0))
		at++;
	memmove(&a->v[at + 1], &a->v[at], (n - at) * sizeof(rule));
	a->v[at] = rule;
}

void
acl_of_service(const struct view *v, const struct topic_set *topics, const char *username,
    struct acl *out)
{
	const struct topic *const read[] = {
	    topics->data, topics->status, topics->responses, topics->alerts};
	size_t i;

	move_last(out, username);
	for (i = 0; i < ARRAY_LEN(read); i++)
		add_pattern(out, username, NULL, ACL_SUBSCRIBE, topic_text(read[i]));
	for (i = 0; i < v->v[VIEW_TOPICS].n; i++) {
		struct span topic = buf_as_span(&v->v[VIEW_TOPICS].v[i]);
		char *pattern = view_text_of(topic, "topic_pattern");

		if (view_member_is(topic, "tipo", "publish") ||
		    view_member_is(topic, "tipo", "both"))
			add_pattern(out, username, NULL, ACL_SUBSCRIBE, pattern);
		free(pattern);
	}
	add_clients(out, username);
	add_pattern(out, username, NULL, ACL_PUBLISH, topic_text(topics->commands));
	/* A device's last word is taken back, or corrected, by others when it is gone. */
	add_pattern(out, username, NULL, ACL_PUBLISH, topic_text(topics->status));
}

/* "${username}" is a name yet to be put in. */
static bool
begins_with_dollar(const struct acl_rule *r)
{
	const char *topic = strncmp(r->topic, "eq ", 3) == 0 ? r->topic + 3 : r->topic;

	return topic[0] == '$' && topic[1] != '{';
}

/* Whether a rule from there on allows all topics, or some that begin with "$": then
 * rules for "$..." must not stand behind a "#" that means these too. */
static bool
order_matters(const struct acl *a, size_t from)
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
is_everything(const struct acl_rule *r)
{
	return strcmp(r->topic, "#") == 0 && r->action == ACL_ALL && r->qos < 0 &&
	    r->retain < 0;
}

void
acl_close(struct acl *a, const char *username)
{
	size_t from = last_of(a, username), all = from, i;

	while (all < a->n && strcmp(a->v[all].topic, "#") != 0)
		all++;
	for (i = all; order_matters(a, all) && i < a->n; i++) {
		struct acl_rule rule = a->v[i];

		if (!begins_with_dollar(&rule))
			continue;
		memmove(&a->v[all + 1], &a->v[all], (i - all) * sizeof(rule));
		a->v[all++] = rule;
	}
	while (a->n - from > 1 && strcmp(a->v[a->n - 1].topic, acl_rest[1]) == 0 &&
	    is_everything(&a->v[a->n - 2]))
		shorten(a, a->n - 1);
	if (a->n == from || !is_everything(&a->v[a->n - 1]))
		add_rule(a, username, false, ACL_ALL, "#", -1, -1);
}
