/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a device's rules come from: the platform's own, or its topics. */
#include <stdlib.h>

#include "acl.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

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

/* null and "" are any. */
static int
number_of(struct span object, const char *member)
{
	char *text = text_of(object, member);
	int n = text[0] >= '0' && text[0] <= '9' ? atoi(text) : -1;

	free(text);
	return n;
}

/* In the order they were made, as EMQX has them. */
static int
by_id(const void *a, const void *b)
{
	json_int_t x = id_of(*(const struct span *)a), y = id_of(*(const struct span *)b);

	return x < y ? -1 : x > y;
}

void
acl_of_rules(const struct objects *all, const char *username, struct acl *out)
{
	struct span *own = xcalloc(all->n + 1, sizeof(*own));
	size_t n = 0, i;

	for (i = 0; i < all->n; i++) {
		struct span object = buf_as_span(&all->v[i]);

		if (member_is(object, "username", username))
			own[n++] = object;
	}
	qsort(own, n, sizeof(*own), by_id);
	for (i = 0; i < n; i++) {
		char *topic = text_of(own[i], "topic");
		enum acl_action action = member_is(own[i], "action", "publish")
		    ? ACL_PUBLISH
		    : member_is(own[i], "action", "subscribe") ? ACL_SUBSCRIBE
							       : ACL_ALL;

		add_rule(out, username, member_is(own[i], "permission", "allow"), action,
		    topic, number_of(own[i], "qos"), number_of(own[i], "retain"));
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

	while ((at = strstr(pattern, mark)) != NULL) {
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
add_pattern(struct acl *a, const char *username, const char *device,
    enum acl_action action, const char *pattern)
{
	char *filter = acl_filter(pattern, device);
	size_t i;

	for (i = 0; filter != NULL && i < a->n; i++) {
		if (strcmp(a->v[i].username, username) == 0 &&
		    strcmp(a->v[i].topic, filter) == 0 && a->v[i].action == action)
			break;
	}
	if (i == a->n)
		add_rule(a, username, true, action, filter, -1, -1);
	free(filter);
}

static void
add_topic(const struct view *v, struct acl *a, const char *username, const char *device,
    enum acl_action action, const char *id)
{
	char *pattern = text_of(view_by(v, VIEW_TOPICS, "id", id), "topic_pattern");

	if (pattern[0] != '\0')
		add_pattern(a, username, device, action, pattern);
	free(pattern);
}

static void
add_derived_rules(const struct view *v, const struct topics *t, struct span device,
    const char *username, struct acl *out)
{
	struct span config = view_by_id(v, VIEW_CONFIGS, "dispositivo", id_of(device));
	struct json_iter it = {0};
	char *id = text_of(device, "identificador_unico");
	char *publish = text_of(config, "publish_topic");

	out->derived = true;
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
	add_rule(out, username, false, ACL_ALL, "#", -1, -1);
	free(publish);
	free(id);
}

void
acl_of_device(const struct view *v, const struct topics *topics, struct span device,
    struct acl *out, char **username)
{
	json_int_t id = id_of(device);
	struct span account = view_by_id(v, VIEW_ACCOUNTS, "dispositivo", id);
	struct span credential = view_by_id(v, VIEW_CREDENTIALS, "dispositivo", id);

	*username = text_of(account.p != NULL ? account : credential, "username");
	if ((*username)[0] == '\0')
		return;
	/* EMQX asks no rule about a superuser. */
	if (member_is(account, "is_superuser", "true"))
		add_rule(out, *username, true, ACL_ALL, "#", -1, -1);
	else if (account.p != NULL && !v->missing[VIEW_RULES])
		acl_of_rules(&v->v[VIEW_RULES], *username, out);
	else
		add_derived_rules(v, topics, device, *username, out);
}
