/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a device's rules come from: the platform's own, or its topics. */
#include "iotctl/acl/acl.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/objects.h"

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

static void
add_kept(struct access *a, struct span object)
{
	char *topic = view_text_of(object, "topic");
	char *word = view_text_of(object, "action");
	unsigned action = access_action_of(word);

	access_add(a,
	    &(struct access_rule){.allow = view_member_is(object, "permission", "allow"),
		.action = action != 0 ? (enum access_action)action : ACCESS_ALL,
		.topic = topic,
		.qos = number_of(object, "qos"),
		.retain = number_of(object, "retain"),
		.id = lookup_id_of(object)});
	free(word);
	free(topic);
}

void
acl_of_rules(const struct objects *all, const char *username, struct access_list *out)
{
	struct span *own = xcalloc(all->n + 1, sizeof(*own));
	size_t n = 0, i;

	for (i = 0; i < all->n; i++) {
		struct span object = buf_as_span(&all->v[i]);

		if (view_member_is(object, "username", username))
			own[n++] = object;
	}
	if (n != 0)
		qsort(own, n, sizeof(*own), by_id);
	for (i = 0; i < n; i++)
		add_kept(access_user(out, username), own[i]);
	free(own);
}

static void
add_kept_rules(const struct view *v, const char *username, struct access_list *out)
{
	struct objects own = {0};
	struct view_search s = view_find(v, VIEW_RULES, username);
	struct span object;

	while (view_next(&s, &object))
		objects_add(&own, object);
	acl_of_rules(&own, username, out);
	objects_release(&own);
}

static void
add_pattern(const struct view *v, const char *id, struct strv *out)
{
	char *pattern = view_text_of(view_by(v, VIEW_TOPICS, "id", id), "topic_pattern");

	if (pattern[0] != '\0')
		strv_add(out, pattern);
	free(pattern);
}

static void
add_derived_rules(const struct view *v, const struct topic_set *t, struct span device,
    const char *username, struct access_list *out)
{
	struct span config =
	    view_by_id(v, VIEW_CONFIGS, "dispositivo", lookup_id_of(device));
	struct json_iter it = {0};
	struct strv writes = {0}, reads = {0};
	char *id = view_text_of(device, "identificador_unico");
	char *publish = view_text_of(config, "publish_topic");

	if (publish[0] != '\0')
		add_pattern(v, publish, &writes);
	if (config.p != NULL && json_member(config, "subscribe_topics", &it.value)) {
		while (json_next(&it)) {
			char *one = xstrndup(it.item.p, it.item.n);

			add_pattern(v, one, &reads);
			free(one);
		}
	}
	access_rules_of_device(
	    out, t, &(struct access_device){username, id, &writes, &reads});
	strv_release(&writes);
	strv_release(&reads);
	free(publish);
	free(id);
}

bool
acl_is_kept(const struct view *v, struct span device)
{
	struct span account =
	    view_by_id(v, VIEW_ACCOUNTS, "dispositivo", lookup_id_of(device));

	return view_member_is(account, "is_superuser", "true") ||
	    (account.p != NULL && !v->missing[VIEW_RULES]);
}

bool
acl_uses_certificate(const struct view *v, struct span device)
{
	json_int_t id = lookup_id_of(device);

	return view_by_id(v, VIEW_ACCOUNTS, "dispositivo", id).p == NULL &&
	    view_member_is(view_by_id(v, VIEW_CREDENTIALS, "dispositivo", id),
		"use_device_cert", "true");
}

char *
acl_login_of(const struct view *v, struct span device)
{
	json_int_t id = lookup_id_of(device);
	struct span account = view_by_id(v, VIEW_ACCOUNTS, "dispositivo", id);
	struct span credential = view_by_id(v, VIEW_CREDENTIALS, "dispositivo", id);

	if (acl_uses_certificate(v, device))
		return view_text_of(credential, "client_id");
	return view_text_of(account.p != NULL ? account : credential, "username");
}

char *
acl_of_device(const struct view *v, const struct topic_set *topics, struct span device,
    struct access_list *out)
{
	struct span account =
	    view_by_id(v, VIEW_ACCOUNTS, "dispositivo", lookup_id_of(device));
	char *username = acl_login_of(v, device);

	if (username[0] == '\0')
		return username;
	/* EMQX asks no rule about a superuser. */
	if (view_member_is(account, "is_superuser", "true"))
		access_add(access_user(out, username),
		    &(struct access_rule){.allow = true,
			.action = ACCESS_ALL,
			.topic = "#",
			.qos = -1,
			.retain = -1});
	else if (acl_is_kept(v, device))
		add_kept_rules(v, username, out);
	else
		add_derived_rules(v, topics, device, username, out);
	return username;
}

void
acl_of_service(const struct view *v, const struct topic_set *topics, const char *username,
    struct access_list *out)
{
	struct strv patterns = {0};
	size_t i;

	for (i = 0; i < v->v[VIEW_TOPICS].n; i++) {
		struct span topic = buf_as_span(&v->v[VIEW_TOPICS].v[i]);
		char *pattern = view_text_of(topic, "topic_pattern");

		if (view_member_is(topic, "tipo", "publish") ||
		    view_member_is(topic, "tipo", "both"))
			strv_add(&patterns, pattern);
		free(pattern);
	}
	access_rules_of_service(out, topics, username, &patterns);
	strv_release(&patterns);
}
