/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dynamic security asks, of a role, a literal filter first, then patterns by their priority; each topic stands there
 * once for a kind of access. A pattern that begins with a wildcard takes "$SYS" as well. */
#include "iotctl/acl/acl_dynsec.h"

#include <stdlib.h>

#include "base/text.h"
#include "iotctl/acl/acl_file.h"

static bool
is_literal(const struct access_rule *r)
{
	return strncmp(r->topic, "eq ", 3) == 0 && strpbrk(r->topic + 3, "+#") != NULL;
}

static const char *
bare_topic(const struct access_rule *r)
{
	return strncmp(r->topic, "eq ", 3) == 0 ? r->topic + 3 : r->topic;
}

/* Whether a rule before this one has decided a subscription to just its filter. */
static bool
is_decided(const struct access *a, size_t n)
{
	const char *topic = bare_topic(&a->v[n]);
	size_t i;

	for (i = 0; i < n; i++) {
		const struct access_rule *r = &a->v[i];

		if ((r->action & ACCESS_SUBSCRIBE) != 0 &&
		    (is_literal(r) ? strcmp(bare_topic(r), topic) == 0
				   : topic_filter_covers(bare_topic(r), topic)))
			return true;
	}
	return false;
}

static void
put_acl(json_t *out, const char *type, const char *topic, bool allow)
{
	json_t *acl;
	size_t i;

	json_array_foreach (out, i, acl) {
		if (strcmp(json_string_value(json_object_get(acl, "acltype")), type) ==
			0 &&
		    strcmp(json_string_value(json_object_get(acl, "topic")), topic) == 0)
			return;
	}
	json_array_append_new(out,
	    json_pack(
		"{s:s, s:s, s:b}", "acltype", type, "topic", topic, "allow", allow));
}

static void
put_publish(json_t *out, const struct access_rule *r)
{
	if ((r->action & ACCESS_PUBLISH) != 0 && !is_literal(r))
		put_acl(out, "publishClientSend", bare_topic(r), r->allow);
}

static void
put_subscribe(json_t *out, const struct access *a, size_t n, bool dollar)
{
	const struct access_rule *r = &a->v[n];
	const char *topic = bare_topic(r);

	if ((r->action & ACCESS_SUBSCRIBE) == 0 || (topic[0] == '$') != dollar)
		return;
	if (!is_literal(r))
		put_acl(out, "subscribePattern", topic, r->allow);
	else if (!is_decided(a, n))
		put_acl(out, "subscribeLiteral", topic, r->allow);
}

/* Versions differ in whether a pattern takes "#": 2.0 has "/#" do so, which does not cover it, and 2.1 has "+/#" not do so,
 * which does. What "#" may do is said literally where one of them is. */
static bool
is_about_hash(const struct access_rule *r)
{
	const char *topic = bare_topic(r);

	return strcmp(topic, "/#") == 0 || strcmp(topic, "+/#") == 0;
}

static void
put_hash(json_t *out, const struct access *a)
{
	struct access_question q = {.action = ACCESS_SUBSCRIBE, .topic = "#"};
	bool allowed = false;
	size_t i = 0;

	while (i < a->n && !is_about_hash(&a->v[i]))
		i++;
	for (q.qos = 0; q.qos <= 2; q.qos++)
		allowed |= access_decide(a, &q, NULL) == ACCESS_ALLOWED;
	if (i < a->n)
		put_acl(out, "subscribeLiteral", "#", allowed);
}

static bool
allows_wildcard(const struct access *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct access_rule *r = &a->v[i];

		if (r->allow && (r->action & ACCESS_SUBSCRIBE) != 0 &&
		    (r->topic[0] == '+' || r->topic[0] == '#'))
			return true;
	}
	return false;
}

static void
set_priorities(json_t *out)
{
	size_t n = json_array_size(out), i;

	for (i = 0; i < n; i++)
		json_object_set_new(json_array_get(out, i), "priority",
		    json_integer((json_int_t)(n - i)));
}

static void
note_loss(const struct access_rule *r, unsigned *loss)
{
	if (r->qos >= 0 || ((r->action & ACCESS_PUBLISH) != 0 && r->retain >= 0))
		*loss |= r->allow ? ACL_FILE_WIDER : ACL_FILE_STRICTER;
}

json_t *
acl_dynsec(const struct access *all, unsigned *loss, size_t *left_out, struct err *err)
{
	struct access a;
	json_t *out;
	size_t i;

	if (acl_file_readable(all, &a, left_out, err))
		return NULL;
	out = json_array();
	put_hash(out, &a);
	for (i = 0; i < a.n; i++) {
		note_loss(&a.v[i], loss);
		put_publish(out, &a.v[i]);
		put_subscribe(out, &a, i, true);
	}
	/* Those of "$" are about topics that no other is about: they may all stand in front. */
	if (allows_wildcard(&a)) {
		put_acl(out, "subscribePattern", "$SYS/#", false);
		put_acl(out, "subscribePattern", "$CONTROL/#", false);
	}
	for (i = 0; i < a.n; i++)
		put_subscribe(out, &a, i, false);
	set_priorities(out);
	free(a.v);
	return out;
}
