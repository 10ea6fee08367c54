/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What our description of rules says is what brokers do with them: random rules, topics and filters, asked of a real
 * mosquitto with each of its two kinds of rules, and of the matching of EMQX as it is written down there. */
#include <glob.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "access/access.h"
#include "base/text.h"
#include "broker.h"
#include "iotctl/acl/acl_dynsec.h"
#include "access/access_emqx.h"
#include "iotctl/acl/acl_file.h"

enum { USERS = 60, RULES = 7, QUESTIONS = 40, TOPIC = 64, NOT_AUTHORIZED = 0x87 };

static unsigned seed = 16;

static int
below(int n)
{
	return rand_r(&seed) % n;
}

/* A name, or a filter; never empty, and of those with "$" in front only the broker's own. */
static void
random_topic(char *out, bool filter)
{
	static const char *const words[] = {"a", "b", "a", "", "$x", "+", "+", "+"};
	int levels = 1 + below(3), i;

	strcpy(out,
	    below(10) == 0 ? "$SYS" : words[filter ? below(4) + 4 * below(2) : below(3)]);
	if (strcmp(out, "$x") == 0)
		strcpy(out, "a");
	for (i = 1; i < levels; i++) {
		strcat(out, "/");
		strcat(out, words[filter ? below(8) : below(5)]);
	}
	if (filter && below(12) == 0)
		strcpy(out, "#");
	else if (filter && below(4) == 0)
		strcat(out, "/#");
	if (out[0] == '\0')
		strcpy(out, "b");
}

static void
random_rules(struct access_list *l)
{
	int i, k;

	for (i = 0; i < USERS; i++) {
		char name[16], topic[TOPIC + 4];
		struct access *a;

		snprintf(name, sizeof(name), "u%d", i);
		a = access_user(l, name);
		for (k = 1 + below(RULES); k > 0; k--) {
			strcpy(topic, below(12) == 0 ? "eq " : "");
			random_topic(topic + strlen(topic), true);
			access_add(a,
			    &(struct access_rule){.allow = below(3) != 0,
				.action = (enum access_action)(1 + below(3)),
				.topic = topic,
				.qos = below(6) != 0 ? -1 : below(3),
				.retain = below(6) != 0 ? -1 : below(2)});
		}
	}
}

/* A client that waits for each answer. */
static int
dial(const char *path, const char *user)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct buf b = {0};
	char ack[256];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), tries;

	strcpy(to.sun_path, path);
	for (tries = 0; connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0; tries++) {
		assert_true(tries < 500);
		usleep(20000);
	}
	buf_put(&b, "\0\4MQTT\5\xC2\0\0\0\0\0", 13);
	buf_putc(&b, '\0');
	buf_putc(&b, (char)strlen(user));
	buf_puts(&b, user);
	buf_put(&b, "\0\2pw", 4);
	buf_putc(&b, '\0');
	buf_shift(&b, 0);
	ack[0] = 0x10;
	ack[1] = (char)(b.n - 1);
	assert_int_equal(write(fd, ack, 2), 2);
	assert_int_equal(write(fd, b.p, b.n - 1), b.n - 1);
	buf_release(&b);
	assert_true(read(fd, ack, sizeof(ack)) > 4);
	assert_int_equal(ack[3], 0);
	return fd;
}

static void
take(int fd, unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		assert_true(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

/* The next packet that is no PUBLISH; its body. A PUBLISH before it is noted in `heard`. */
static size_t
answer(int fd, unsigned char *body, bool *heard)
{
	unsigned char head[2];

	for (;;) {
		take(fd, head, 2);
		assert_true(head[1] < 128);
		take(fd, body, head[1]);
		if (head[0] >> 4 != 3)
			return head[1];
		if (heard != NULL)
			*heard = true;
	}
}

/* The reason code of the PUBACK or SUBACK. */
static int
ask(int fd, enum access_action action, const char *topic, int qos, bool retain)
{
	bool publish = action == ACCESS_PUBLISH;
	unsigned char body[128];
	struct buf b = {0};
	size_t n;

	buf_putc(&b, (char)(publish ? 0x30 | qos << 1 | (retain ? 1 : 0) : 0x82));
	buf_putc(&b, (char)(strlen(topic) + (publish ? 5 : 6)));
	if (!publish)
		buf_put(&b, "\0\1\0", 3);
	buf_putc(&b, '\0');
	buf_putc(&b, (char)strlen(topic));
	buf_puts(&b, topic);
	if (publish)
		buf_put(&b, "\0\1\0", 3);
	else
		buf_putc(&b, (char)qos);
	assert_int_equal(write(fd, b.p, b.n), b.n);
	buf_release(&b);
	n = answer(fd, body, NULL);
	return publish && n < 3 ? 0 : body[n - 1];
}

/* Whether a message on a topic reaches a client: a PINGRESP behind it ends the wait. */
static bool
hears(int fd, int publisher, const char *topic)
{
	unsigned char body[128];
	bool heard = false;

	assert_true(ask(publisher, ACCESS_PUBLISH, topic, 1, false) < 128);
	assert_int_equal(write(fd, "\xC0\0", 2), 2);
	answer(fd, body, &heard);
	return heard;
}

struct tally {
	size_t asked, allowed, unsaid;
};

/* What a broker did against what we say; `loss`: what its kind of rules cannot say. */
static void
compare(const struct access *a, const struct access_question *q, bool got, unsigned loss,
    struct tally *t)
{
	bool want = access_decide(a, q, NULL) == ACCESS_ALLOWED;
	size_t i;

	t->asked++;
	t->allowed += got;
	if (want == got)
		return;
	t->unsaid++;
	if ((loss & (got ? ACL_FILE_WIDER : ACL_FILE_STRICTER)) != 0)
		return;
	for (i = 0; i < a->n; i++)
		print_message("%s %d %s qos %d retain %d\n",
		    a->v[i].allow ? "allow" : "deny", a->v[i].action, a->v[i].topic,
		    a->v[i].qos, a->v[i].retain);
	fail_msg("%s %d '%s' qos %d retain %d: wanted %d, got %d", a->username, q->action,
	    q->topic, q->qos, q->retain, want, got);
}

static void
configure(struct broker *b, const char *lines)
{
	char *conf = xasprintf("%s/conf", b->dir);
	char *text = xasprintf(
	    "listener 0 %s\nuser root\nallow_anonymous true\n%s\n", b->sock, lines);

	broker_stop(b);
	assert_int_equal(file_write(conf, span_of(text), 0600, NULL), 0);
	broker_start(b);
	free(text);
	free(conf);
}

static void
question(struct access_question *q, const struct access *a, char *topic, bool filter)
{
	*q = (struct access_question){.username = a->username,
	    .clientid = "",
	    .action = ACCESS_PUBLISH,
	    .topic = topic,
	    .qos = 1,
	    .retain = below(2)};
	if (filter)
		q->action = ACCESS_SUBSCRIBE;
	random_topic(topic, filter);
}

static void
check_published(int fd, const struct access *a, unsigned loss, struct tally *t)
{
	struct access_question q;
	char topic[TOPIC];
	int k;

	for (k = 0; k < QUESTIONS; k++) {
		question(&q, a, topic, false);
		if (topic[0] == '$')
			continue;
		compare(a, &q, ask(fd, q.action, topic, 1, q.retain) != NOT_AUTHORIZED,
		    loss, t);
	}
}

/* mosquitto grants any subscription there, and decides by the topic of each message. */
static void
acl_file_does_as_we_say(void **state)
{
	struct broker *b = *state;
	struct access_list l = {0};
	unsigned loss[USERS] = {0};
	struct tally writes = {0}, reads = {0};
	struct buf rules = {0};
	char *path = xasprintf("%s/rules", b->dir),
	     *line = xasprintf("acl_file %s", path);
	size_t left_out = 0, i;
	int fd, publisher, k;

	random_rules(&l);
	for (i = 0; i < USERS; i++)
		assert_int_equal(
		    acl_file_put_user(&rules, &l.v[i], &loss[i], &left_out, NULL), 0);
	assert_int_equal(left_out, 0);
	buf_puts(&rules, "\nuser all\ntopic readwrite #\n");
	assert_int_equal(file_write(path, buf_as_span(&rules), 0600, NULL), 0);
	configure(b, line);
	publisher = dial(b->sock, "all");
	for (i = 0; i < USERS; i++) {
		fd = dial(b->sock, l.v[i].username);
		check_published(fd, &l.v[i], loss[i], &writes);
		ask(fd, ACCESS_SUBSCRIBE, "#", 0, false);
		for (k = 0; k < QUESTIONS; k++) {
			struct access_question q;
			char topic[TOPIC];

			question(&q, &l.v[i], topic, false);
			q.action = ACCESS_SUBSCRIBE;
			q.qos = 0;
			if (topic[0] != '$')
				compare(&l.v[i], &q, hears(fd, publisher, topic), loss[i],
				    &reads);
		}
		close(fd);
	}
	close(publisher);
	print_message("acl_file: %zu publications, %zu allowed, %zu unsaid; %zu "
		      "messages, %zu heard, %zu unsaid\n",
	    writes.asked, writes.allowed, writes.unsaid, reads.asked, reads.allowed,
	    reads.unsaid);
	assert_true(writes.allowed > 100 && reads.allowed > 100);
	buf_release(&rules);
	access_release(&l);
	free(line);
	free(path);
}

/* The plugin's own file, as it writes it: passwords are not asked of who has none. */
static void
write_dynsec(const char *path, const struct access_list *l, unsigned *loss)
{
	json_t *clients = json_array(), *roles = json_array(), *all;
	size_t left_out = 0, i;

	for (i = 0; i < l->n; i++) {
		json_t *acls = acl_dynsec(&l->v[i], &loss[i], &left_out, NULL);

		assert_non_null(acls);
		json_array_append_new(roles,
		    json_pack("{s:s, s:o}", "rolename", l->v[i].username, "acls", acls));
		/* PBKDF2-HMAC-SHA512 of "pw", 12 zero bytes, one round. */
		json_array_append_new(clients,
		    json_pack("{s:s, s:[{s:s}], s:s, s:s, s:i}", "username",
			l->v[i].username, "roles", "rolename", l->v[i].username,
			"password",
			"HnlqzP97t90vV0ZnOqQ9iQGnDanPA5+h4vch90DH/"
			"3sqhYCcAGsXuCilxAegMRgv4tnlmKp0A9rSUdz9orclwA==",
			"salt", "AAAAAAAAAAAAAAAA", "iterations", 1));
	}
	assert_int_equal(left_out, 0);
	all = json_pack("{s:o, s:o, s:[], s:{s:b, s:b, s:b, s:b}}", "clients", clients,
	    "roles", roles, "groups", "defaultACLAccess", "publishClientSend", 0,
	    "publishClientReceive", 1, "subscribe", 0, "unsubscribe", 1);
	assert_int_equal(json_dump_file(all, path, 0), 0);
	json_decref(all);
}

static void
dynamic_security_does_as_we_say(void **state)
{
	struct broker *b = *state;
	struct access_list l = {0};
	unsigned loss[USERS] = {0};
	struct tally writes = {0}, reads = {0};
	char *path = xasprintf("%s/dynsec.json", b->dir);
	glob_t plugin;
	char *lines;
	size_t i;
	int fd, k;

	assert_int_equal(
	    glob("/usr/lib/*/mosquitto_dynamic_security.so", 0, NULL, &plugin), 0);
	lines =
	    xasprintf("plugin %s\nplugin_opt_config_file %s", plugin.gl_pathv[0], path);
	globfree(&plugin);
	random_rules(&l);
	access_add(access_user(&l, "u0"),
	    &(struct access_rule){true, ACCESS_SUBSCRIBE, "/#", -1, -1, 0});
	write_dynsec(path, &l, loss);
	configure(b, lines);
	for (i = 0; i < USERS; i++) {
		fd = dial(b->sock, l.v[i].username);
		check_published(fd, &l.v[i], loss[i], &writes);
		for (k = 0; k < QUESTIONS; k++) {
			struct access_question q;
			char topic[TOPIC];

			question(&q, &l.v[i], topic, true);
			q.qos = below(3);
			compare(&l.v[i], &q, ask(fd, q.action, topic, q.qos, false) < 128,
			    loss[i], &reads);
		}
		close(fd);
	}
	print_message("dynamic security: %zu publications, %zu allowed, %zu unsaid; %zu "
		      "filters, %zu granted, %zu unsaid\n",
	    writes.asked, writes.allowed, writes.unsaid, reads.asked, reads.allowed,
	    reads.unsaid);
	assert_true(writes.allowed > 100 && reads.allowed > 100);
	access_release(&l);
	free(lines);
	free(path);
}

/* What each version of the plugin does with "#" does not hang on its patterns: a literal is asked first. */
static void
dynamic_security_is_told_of_hash(void **state)
{
	static const struct {
		struct access_rule rules[2];
		bool said, allow;
	} cases[] = {
	    {{{true, ACCESS_SUBSCRIBE, "+/#", -1, -1, 0}}, true, true},
	    {{{true, ACCESS_SUBSCRIBE, "/#", -1, -1, 0}}, true, false},
	    {{{true, ACCESS_SUBSCRIBE, "a/#", -1, -1, 0}}, false, false},
	    {{{false, ACCESS_SUBSCRIBE, "+/#", -1, -1, 0},
		 {true, ACCESS_SUBSCRIBE, "#", -1, -1, 0}},
		true, false},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct access_list l = {0};
		struct access *a = access_user(&l, "u");
		unsigned loss = 0;
		size_t left_out = 0, said = 0;
		json_t *acls, *one;

		for (k = 0; k < 2 && cases[i].rules[k].topic != NULL; k++)
			access_add(a, &cases[i].rules[k]);
		acls = acl_dynsec(a, &loss, &left_out, NULL);
		json_array_foreach (acls, k, one) {
			if (strcmp(json_string_value(json_object_get(one, "acltype")),
				"subscribeLiteral") != 0)
				continue;
			said++;
			assert_string_equal(
			    json_string_value(json_object_get(one, "topic")), "#");
			assert_int_equal(
			    json_is_true(json_object_get(one, "allow")), cases[i].allow);
		}
		assert_int_equal(said, cases[i].said);
		json_decref(acls);
		access_release(&l);
	}
}

/* EMQX's matching: a name or filter, level by level, against a filter, whose "+" takes any level, a "#" that is
 * subscribed to as well. */
static bool
emqx_matches(const char *name, const char *filter)
{
	if (*name == '$' && (*filter == '+' || *filter == '#'))
		return false;
	for (;;) {
		size_t n = strcspn(name, "/"), m = strcspn(filter, "/");

		if (m == 1 && *filter == '#')
			return true;
		if (!(m == 1 && *filter == '+') &&
		    (n != m || memcmp(name, filter, n) != 0))
			return false;
		name += n;
		filter += m;
		if (*name == '\0' || *filter == '\0')
			break;
		name++;
		filter++;
	}
	return strcmp(name, filter) == 0 || (*name == '\0' && strcmp(filter, "/#") == 0);
}

static bool
emqx_fits(json_t *rule, const struct access_question *q)
{
	const char *topic = json_string_value(json_object_get(rule, "topic"));
	const char *action = json_string_value(json_object_get(rule, "action"));
	json_t *retain = json_object_get(rule, "retain"), *one;
	bool qos = json_object_get(rule, "qos") == NULL;
	size_t i;

	json_array_foreach (json_object_get(rule, "qos"), i, one)
		qos |= json_integer_value(one) == q->qos;
	if (!qos ||
	    (strcmp(action, "all") != 0 &&
		strcmp(action, access_action_word(q->action)) != 0))
		return false;
	if (q->action == ACCESS_PUBLISH && retain != NULL &&
	    json_is_true(retain) != (q->retain != 0))
		return false;
	return strncmp(topic, "eq ", 3) == 0 ? strcmp(topic + 3, q->topic) == 0
					     : emqx_matches(q->topic, topic);
}

/* One source; what it has no rule for goes to the next, and at last to no_match. */
static bool
emqx_allows(json_t *rules, const struct access_question *q, bool no_match)
{
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		if (emqx_fits(rule, q))
			return strcmp(
				   json_string_value(json_object_get(rule, "permission")),
				   "allow") == 0;
	}
	return no_match;
}

/* EMQX takes "a/+" for a rule about "a/#" too, which it does not cover: there it says what we do not. */
static bool
plus_meets_hash(const struct access *a, const char *topic)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (strstr(topic, "#") != NULL && strncmp(a->v[i].topic, "eq ", 3) != 0 &&
		    emqx_matches(topic, a->v[i].topic) !=
			topic_filter_covers(a->v[i].topic, topic))
			return true;
	}
	return false;
}

/* Whatever no_match says: all that no rule allows is denied. */
static void
emqx_does_as_we_say(void **state)
{
	struct access_list l = {0};
	size_t allowed = 0, quirks = 0, i;
	int k;

	(void)state;
	random_rules(&l);
	for (i = 0; i < USERS; i++) {
		json_t *rules = access_emqx(&l.v[i]);

		for (k = 0; k < 10 * QUESTIONS; k++) {
			struct access_question q;
			char topic[TOPIC];
			bool want, got;

			question(&q, &l.v[i], topic, below(2) != 0);
			q.qos = below(3);
			want = access_decide(&l.v[i], &q, NULL) == ACCESS_ALLOWED;
			got = emqx_allows(rules, &q, true);
			allowed += got;
			if (want != got && plus_meets_hash(&l.v[i], topic))
				quirks++;
			else if (want != got)
				fail_msg("%s %d '%s' qos %d: wanted %d, got %d",
				    l.v[i].username, q.action, topic, q.qos, want, got);
		}
		json_decref(rules);
	}
	print_message("EMQX: %d questions, %zu allowed, %zu where '+' meets '#'\n",
	    USERS * 10 * QUESTIONS, allowed, quirks);
	assert_true(allowed > 1000 && quirks < USERS * QUESTIONS / 5);
	access_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(acl_file_does_as_we_say),
	    cmocka_unit_test(dynamic_security_does_as_we_say),
	    cmocka_unit_test(dynamic_security_is_told_of_hash),
	    cmocka_unit_test(emqx_does_as_we_say),
	};

	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
