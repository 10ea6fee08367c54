/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as the brokers' own files. */
#include "iotctl/acl/acl_file.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/topic.h"

enum { MOSQUITTO_LEVELS = 200 };

/* A line end, or another control character, would begin a rule of its own. */
static int
check_text(const char *s, const char *what, struct err *err)
{
	const char *at = s;

	if (!utf8_is_valid(s, strlen(s)))
		return err_set(err, ERR_REFUSED, _("%s is no UTF-8"), what);
	for (; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 127)
			return err_set(err, ERR_REFUSED,
			    _("%s '%s' has a control character: it cannot be exported"),
			    what, s);
	}
	return s[0] != '\0' ? 0 : err_set(err, ERR_REFUSED, _("%s is empty"), what);
}

static int
check_user(const struct access *a, struct err *err)
{
	int failed = a->n != 0 ? check_text(a->username, _("user name"), err) : 0;
	size_t i;

	for (i = 0; i < a->n && !failed; i++)
		failed = check_text(a->v[i].topic, _("topic"), err);
	return failed;
}

/* An Erlang string. */
static void
put_erlang(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

static void
put_emqx_action(struct buf *out, const struct access_rule *r)
{
	const char *word = access_action_word(r->action);

	if (r->qos < 0 && r->retain < 0) {
		buf_puts(out, word);
		return;
	}
	buf_printf(out, "{%s, [", word);
	if (r->qos >= 0)
		buf_printf(out, "{qos, %d}", r->qos);
	if (r->retain >= 0)
		buf_printf(out, "%s{retain, %s}", r->qos >= 0 ? ", " : "",
		    r->retain != 0 ? "true" : "false");
	buf_puts(out, "]}");
}

static void
put_emqx_topics(struct buf *out, const char *topic)
{
	if (strcmp(topic, "#") == 0) {
		buf_puts(out, "all");
		return;
	}
	buf_putc(out, '[');
	if (strncmp(topic, "eq ", 3) == 0) {
		buf_puts(out, "{eq, ");
		put_erlang(out, topic + 3);
		buf_putc(out, '}');
	} else {
		put_erlang(out, topic);
	}
	buf_putc(out, ']');
}

static void
put_emqx_rule(struct buf *out, const char *username, const struct access_rule *r)
{
	buf_printf(out, "{%s, {user, ", r->allow ? "allow" : "deny");
	put_erlang(out, username);
	buf_puts(out, "}, ");
	put_emqx_action(out, r);
	buf_puts(out, ", ");
	put_emqx_topics(out, r->topic);
	buf_puts(out, "}.\n");
}

int
acl_file_put_emqx(
    struct buf *out, const struct access_list *l, bool whole, struct err *err)
{
	size_t i, k;

	buf_puts(out, "%% iotctl acl export: the first rule that matches decides\n");
	for (i = 0; i < l->n; i++) {
		if (check_user(&l->v[i], err))
			return -1;
		for (k = 0; k < l->v[i].n; k++)
			put_emqx_rule(out, l->v[i].username, &l->v[i].v[k]);
	}
	if (whole)
		buf_puts(out, "{deny, all}.\n");
	return 0;
}

/* "eq T" without its "eq ". */
static const char *
plain_topic(const struct access_rule *r)
{
	return strncmp(r->topic, "eq ", 3) == 0 ? r->topic + 3 : r->topic;
}

/* mosquitto strips blanks at the ends of a line: it would be another name. */
static int
check_ends(const char *s, const char *what, struct err *err)
{
	if (s[0] != ' ' && s[strlen(s) - 1] != ' ')
		return 0;
	return err_set(err, ERR_REFUSED,
	    _("%s '%s' begins or ends with a blank, which mosquitto leaves out"), what,
	    s);
}

/* A line that it cannot read keeps mosquitto from starting. */
static int
check_topic(const char *topic, struct err *err)
{
	size_t slashes = 0, i;

	for (i = 0; topic[i] != '\0'; i++)
		slashes += topic[i] == '/';
	if (slashes > MOSQUITTO_LEVELS)
		return err_set(err, ERR_REFUSED,
		    _("topic '%s' has more than %d '/', the most that mosquitto takes"),
		    topic, MOSQUITTO_LEVELS);
	return topic_check_filter(topic, err) || check_ends(topic, _("topic"), err) ? -1
										    : 0;
}

/* Whether a rule there, of an action of this one's, is about a topic of this one's. */
static bool
overlap(const struct access_rule *a, const struct access_rule *b, unsigned actions)
{
	return (a->action & b->action & actions) != 0 &&
	    topic_filters_overlap(plain_topic(a), plain_topic(b));
}

static bool
knows_no_more(const struct access_rule *r)
{
	return r->qos < 0 && r->retain < 0;
}

/* Whether an earlier permission has decided all that rule `n` is about. */
static bool
is_dead(const struct access *a, size_t n)
{
	const struct access_rule *r = &a->v[n];
	unsigned open = r->action;
	size_t i;

	for (i = 0; i < n; i++) {
		if (a->v[i].allow && knows_no_more(&a->v[i]) &&
		    topic_filter_covers(plain_topic(&a->v[i]), plain_topic(r)))
			open &= ~(unsigned)a->v[i].action;
	}
	return open == 0;
}

/* A denial wins over all permissions, of both actions. */
static void
put_denial(struct buf *out, const struct access *a, size_t n, unsigned *loss)
{
	struct access_rule both = a->v[n];
	bool needed = false, hurts = !knows_no_more(&both);
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (!a->v[i].allow)
			continue;
		if (i > n && overlap(&a->v[i], &a->v[n], ACCESS_ALL))
			needed = true;
		else if (i < n && overlap(&a->v[i], &a->v[n], ACCESS_ALL))
			hurts = true;
		both.action = ACCESS_ALL;
		hurts |= overlap(&a->v[i], &both, ACCESS_ALL & ~(unsigned)a->v[n].action);
	}
	if (!needed || is_dead(a, n))
		return;
	buf_printf(out, "topic deny %s\n", plain_topic(&both));
	if (hurts)
		*loss |= ACL_FILE_STRICTER;
}

/* mosquitto fills in %u and %c, in "pattern" lines only; EMQX's ${...} has no
 * counterpart in a user's lines. A denial of a subscription to just this filter ("eq a/+") never
 * is one: mosquitto checks the topic of each message, not the filter. */
static void
put_mosquitto_rule(
    struct buf *out, const struct access *a, size_t n, unsigned denied, unsigned *loss)
{
	static const char *const words[] = {[ACCESS_PUBLISH] = "write",
	    [ACCESS_SUBSCRIBE] = "read",
	    [ACCESS_ALL] = "readwrite"};
	const struct access_rule *r = &a->v[n];
	const char *topic = plain_topic(r);
	unsigned action = topic[0] == '$' ? r->action : r->action & ~denied;

	if (!r->allow) {
		if (topic == r->topic || strpbrk(topic, "+#") == NULL)
			put_denial(out, a, n, loss);
	} else if (action != 0) {
		buf_printf(out, "topic %s %s\n", words[action], topic);
		if (!knows_no_more(r) ||
		    (topic != r->topic && strpbrk(topic, "+#") != NULL))
			*loss |= ACL_FILE_WIDER;
	}
}

static int
check_holes(const struct access *a, struct err *err)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (strstr(a->v[i].topic, "${") != NULL)
			return err_set(err, ERR_REFUSED,
			    _("topic '%s' of '%s': mosquitto knows no ${...} in a user's "
			      "rule"),
			    plain_topic(&a->v[i]), a->username);
	}
	return 0;
}

static void
leave_out(const char *username, const struct err *why)
{
	log_error(_("left out of the rules of '%s': %s"), username, why->text);
}

int
acl_file_readable(
    const struct access *a, struct access *out, size_t *left_out, struct err *err)
{
	struct err why = {0};
	size_t i;

	if (check_user(a, err) || check_holes(a, err))
		return -1;
	*out = (struct access){
	    .username = a->username, .v = xcalloc(a->n + 1, sizeof(*out->v))};
	if (check_ends(a->username, _("user name"), &why)) {
		leave_out(a->username, &why);
		*left_out += a->n;
		return 0;
	}
	for (i = 0; i < a->n; i++) {
		why = (struct err){0};
		if (check_topic(plain_topic(&a->v[i]), &why) == 0) {
			out->v[out->n++] = a->v[i];
		} else {
			leave_out(a->username, &why);
			++*left_out;
		}
	}
	return 0;
}

int
acl_file_put_user(struct buf *out, const struct access *a, unsigned *loss,
    size_t *left_out, struct err *err)
{
	unsigned denied = 0; /* actions, of all topics */
	struct access own;
	size_t i;

	if (a->n == 0)
		return 0;
	if (acl_file_readable(a, &own, left_out, err))
		return -1;
	if (own.n != 0)
		buf_printf(out, "\nuser %s\n", a->username);
	for (i = 0; i < own.n; i++) {
		if (own.v[i].allow || strcmp(own.v[i].topic, "#") != 0) {
			put_mosquitto_rule(out, &own, i, denied, loss);
			continue;
		}
		denied |= own.v[i].action;
		if (!knows_no_more(&own.v[i]))
			*loss |= ACL_FILE_STRICTER;
	}
	free(own.v);
	return 0;
}

int
acl_file_put_mosquitto(struct buf *out, struct access_list *l, struct err *err)
{
	unsigned loss = 0;
	size_t i;

	buf_puts(out, "# iotctl acl export: what is not allowed is denied\n");
	for (i = 0; i < l->n; i++) {
		if (acl_file_put_user(out, &l->v[i], &loss, &l->left_out, err))
			return -1;
	}
	acl_file_tell(loss);
	return 0;
}

void
acl_file_tell(unsigned loss)
{
	if ((loss & ACL_FILE_WIDER) != 0)
		log_warn(_("mosquitto's rules know neither QoS nor retain nor 'eq': "
			   "what is allowed for one is allowed for all"));
	if ((loss & ACL_FILE_STRICTER) != 0)
		log_warn(_("mosquitto's rules cannot say all that these do: some deny "
			   "more there, for both publish and subscribe"));
}
