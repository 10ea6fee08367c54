/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as the brokers' own files. */
#include "iotctl/acl/acl_file.h"

#include "base/log.h"
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
check_rule(const struct acl_rule *r, struct err *err)
{
	return check_text(r->username, _("user name"), err) ||
		check_text(r->topic, _("topic"), err)
	    ? -1
	    : 0;
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
put_emqx_action(struct buf *out, const struct acl_rule *r)
{
	const char *word = acl_action_word(r->action);

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

int
acl_file_put_emqx(struct buf *out, const struct acl *a, bool whole, struct err *err)
{
	size_t i;

	buf_puts(out, "%% iotctl acl export: the first rule that matches decides\n");
	for (i = 0; i < a->n; i++) {
		const struct acl_rule *r = &a->v[i];

		if (check_rule(r, err))
			return -1;
		buf_printf(out, "{%s, {user, ", r->allow ? "allow" : "deny");
		put_erlang(out, r->username);
		buf_puts(out, "}, ");
		put_emqx_action(out, r);
		buf_puts(out, ", ");
		put_emqx_topics(out, r->topic);
		buf_puts(out, "}.\n");
	}
	if (whole)
		buf_puts(out, "{deny, all}.\n");
	return 0;
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

static void
leave_out(struct acl *a, size_t n, const char *username, const struct err *why)
{
	log_error(_("left out of the rules of '%s': %s"), username, why->text);
	a->left_out += n;
}

/* mosquitto fills in %u and %c, in "pattern" lines only; EMQX's ${...} has no
 * counterpart in a user's lines. */
static int
put_mosquitto_rule(struct buf *out, struct acl *a, const struct acl_rule *r,
    unsigned denied, struct err *err)
{
	static const char *const access[] = {
	    [ACL_PUBLISH] = "write", [ACL_SUBSCRIBE] = "read", [ACL_ALL] = "readwrite"};
	bool exact = strncmp(r->topic, "eq ", 3) == 0;
	const char *topic = exact ? r->topic + 3 : r->topic;
	unsigned action = topic[0] == '$' ? r->action : r->action & ~denied;
	struct err why = {0};

	if (strstr(topic, "${") != NULL)
		return err_set(err, ERR_REFUSED,
		    _("topic '%s' of '%s': mosquitto knows no ${...} in a user's rule"),
		    topic, r->username);
	if (check_topic(topic, &why)) {
		leave_out(a, 1, r->username, &why);
	} else if (r->allow && action != 0) {
		buf_printf(out, "topic %s %s\n", access[action], topic);
	} else if (!r->allow && !(exact && strpbrk(topic, "+#") != NULL)) {
		if (r->action != ACL_ALL)
			log_warn(_("'%s': mosquitto denies '%s' for both publish and "
				   "subscribe"),
			    r->username, topic);
		buf_printf(out, "topic deny %s\n", topic);
	}
	return 0;
}

/* mosquitto denies what no line allows, so that a denial is written only where a
 * permission follows it. One of a subscription to just this filter ("eq a/+") never
 * is: mosquitto checks the topic of each message, not the filter. */
static int
put_mosquitto_user(
    struct buf *out, struct acl *a, size_t from, size_t to, struct err *err)
{
	const char *username = a->v[from].username;
	unsigned denied = 0; /* actions, of all topics */
	struct err why = {0};
	size_t i;

	for (i = from; i < to; i++) {
		if (check_rule(&a->v[i], err))
			return -1;
	}
	if (check_ends(username, _("user name"), &why)) {
		leave_out(a, to - from, username, &why);
		return 0;
	}
	buf_printf(out, "\nuser %s\n", username);
	while (to > from && !a->v[to - 1].allow)
		to--;
	for (i = from; i < to; i++) {
		const struct acl_rule *r = &a->v[i];

		if (!r->allow && strcmp(r->topic, "#") == 0)
			denied |= r->action;
		else if (put_mosquitto_rule(out, a, r, denied, err))
			return -1;
	}
	return 0;
}

static void
warn_of_width(const struct acl *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (a->v[i].allow && (a->v[i].qos >= 0 || a->v[i].retain >= 0)) {
			log_warn(
			    _("mosquitto's rules know neither QoS nor retain: what is "
			      "allowed for one is allowed for all"));
			return;
		}
	}
}

int
acl_file_put_mosquitto(struct buf *out, struct acl *a, struct err *err)
{
	size_t from, to;

	warn_of_width(a);
	buf_puts(out, "# iotctl acl export: what is not allowed is denied\n");
	for (from = 0; from < a->n; from = to) {
		for (to = from + 1; to < a->n; to++) {
			if (strcmp(a->v[to].username, a->v[from].username) != 0)
				break;
		}
		if (put_mosquitto_user(out, a, from, to, err))
			return -1;
	}
	return 0;
}
