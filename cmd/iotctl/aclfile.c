/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as the brokers' own files. */
#include "aclfile.h"

#include "base/log.h"
#include "base/text.h"

/* A line end, or another control character, would begin a rule of its own. */
static int
check_text(const char *s, const char *what, struct err *err)
{
	const char *at = s;

	if (!text_is_utf8(s, strlen(s)))
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

int
acl_put_emqx(struct buf *out, const struct acl *a, struct err *err)
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
		buf_puts(out, ", [");
		if (strncmp(r->topic, "eq ", 3) == 0) {
			buf_puts(out, "{eq, ");
			put_erlang(out, r->topic + 3);
			buf_putc(out, '}');
		} else {
			put_erlang(out, r->topic);
		}
		buf_puts(out, "]}.\n");
	}
	return 0;
}

/* mosquitto has its own marks, in lines of their own kind: "pattern". */
static int
put_mosquitto_rule(struct buf *out, const struct acl_rule *r, struct err *err)
{
	static const char *const access[] = {
	    [ACL_PUBLISH] = "write", [ACL_SUBSCRIBE] = "read", [ACL_ALL] = "readwrite"};
	const char *topic = strncmp(r->topic, "eq ", 3) == 0 ? r->topic + 3 : r->topic;

	if (strstr(topic, "${") != NULL)
		return err_set(err, ERR_REFUSED,
		    _("topic '%s' of '%s': mosquitto knows no ${...} in a user's rule"),
		    topic, r->username);
	if (r->allow) {
		buf_printf(out, "topic %s %s\n", access[r->action], topic);
	} else if (strcmp(topic, "#") != 0) {
		if (r->action != ACL_ALL)
			log_warn(_("'%s': mosquitto denies '%s' for both publish and "
				   "subscribe"),
			    r->username, topic);
		buf_printf(out, "topic deny %s\n", topic);
	}
	return 0;
}

int
acl_put_mosquitto(struct buf *out, const struct acl *a, struct err *err)
{
	const char *user = NULL;
	bool told = false;
	size_t i;

	buf_puts(out, "# iotctl acl export: what is not allowed is denied\n");
	for (i = 0; i < a->n; i++) {
		const struct acl_rule *r = &a->v[i];

		if (check_rule(r, err))
			return -1;
		if (user == NULL || strcmp(user, r->username) != 0)
			buf_printf(out, "\nuser %s\n", r->username);
		user = r->username;
		if (!told && r->allow && (r->qos >= 0 || r->retain >= 0)) {
			log_warn(
			    _("mosquitto's rules know neither QoS nor retain: what is "
			      "allowed for one is allowed for all"));
			told = true;
		}
		if (put_mosquitto_rule(out, r, err))
			return -1;
	}
	return 0;
}
