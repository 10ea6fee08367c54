/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "access/access_emqx.h"

#include <string.h>

#include "base/text.h"

static void
put_rule(json_t *out, const struct access_rule *r)
{
	json_t *rule = json_pack("{s:s, s:s, s:s}", "topic", r->topic, "permission",
	    r->allow ? "allow" : "deny", "action", access_action_word(r->action));

	if (r->qos >= 0)
		json_object_set_new(rule, "qos", json_pack("[i]", r->qos));
	if (r->retain >= 0)
		json_object_set_new(rule, "retain", json_boolean(r->retain));
	json_array_append_new(out, rule);
}

static bool
has_denial(const struct access *a, const char *topic)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct access_rule *r = &a->v[i];

		if (!r->allow && r->action == ACCESS_ALL && r->qos < 0 && r->retain < 0 &&
		    strcmp(r->topic, topic) == 0)
			return true;
	}
	return false;
}

json_t *
access_emqx(const struct access *a)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < a->n; i++)
		put_rule(out, &a->v[i]);
	for (i = 0; i < ACCESS_REST; i++) {
		if (!has_denial(a, access_rest[i]))
			put_rule(out,
			    &(struct access_rule){.action = ACCESS_ALL,
				.topic = (char *)access_rest[i],
				.qos = -1,
				.retain = -1});
	}
	return out;
}
