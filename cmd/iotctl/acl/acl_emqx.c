/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/acl/acl_emqx.h"

#include <string.h>

#include "base/text.h"

static void
put_rule(json_t *out, const struct access_rule *r)
{
	json_t *qos =
	    r->qos >= 0 ? json_pack("[i]", r->qos) : json_pack("[i, i, i]", 0, 1, 2);
	json_t *retain = r->retain >= 0 ? json_boolean(r->retain) : json_string("all");

	json_array_append_new(out,
	    json_pack("{s:s, s:s, s:s, s:o, s:o}", "topic", r->topic, "permission",
		r->allow ? "allow" : "deny", "action", access_action_word(r->action),
		"qos", qos, "retain", retain));
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
acl_emqx(const struct access *a)
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
