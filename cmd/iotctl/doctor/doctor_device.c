/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device, from its name on the platform to its last reading. Nothing here connects as the device. */
#include "iotctl/doctor/doctor.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/verbs/device.h"

enum { SILENT_LEAST = 90, SILENT_INTERVALS = 3 };

/* A device with what belongs to it; absent spans where there is nothing. */
struct device_check {
	struct doctor_brokers *k;
	struct findings *f;
	struct span device, config, credential, account;
	char *id;
	json_int_t number;
	int qos; /* the highest it is configured for */
};

static void
examine_identity(struct device_check *p)
{
	struct err why = {0};

	if (topic_check_id(span_of(p->id), _("device id"), &why))
		doctor_findings_add(p->f, "identity", HEALTH_BAD, "%s", why.text);
	else if (view_member_is(p->device, "mqtt_enabled", "false"))
		doctor_findings_add(
		    p->f, "identity", HEALTH_BAD, _("mqtt_enabled is false for it"));
	else
		doctor_findings_add(p->f, "identity", HEALTH_OK,
		    "%s (id %" JSON_INTEGER_FORMAT ")", p->id, p->number);
}

static void
examine_credential(struct device_check *p)
{
	if (p->k->view.missing[VIEW_CREDENTIALS])
		doctor_findings_add(p->f, "credential", HEALTH_UNKNOWN,
		    _("the API does not show us credentials"));
	else if (p->credential.p == NULL)
		doctor_findings_add(p->f, "credential", HEALTH_BAD,
		    _("it has none: 'iotctl credential create'"));
	else if (view_member_is(p->credential, "is_active", "false"))
		doctor_findings_add(
		    p->f, "credential", HEALTH_BAD, _("it is not active"));
	else
		doctor_findings_add(p->f, "credential", HEALTH_OK, "-");
}

static void
examine_account(struct device_check *p)
{
	char *login = view_text_of(p->credential, "username");
	char *account = view_text_of(p->account, "username");

	if (p->k->view.missing[VIEW_ACCOUNTS])
		doctor_findings_add(p->f, "emqx user", HEALTH_NONE,
		    _("the platform keeps no EMQX users"));
	else if (p->account.p == NULL)
		doctor_findings_add(p->f, "emqx user", HEALTH_BAD,
		    _("it has none: EMQX will not let it in"));
	else if (p->credential.p != NULL && strcmp(login, account) != 0)
		doctor_findings_add(p->f, "emqx user", HEALTH_BAD,
		    _("its credential's user is not the one that EMQX knows"));
	else
		doctor_findings_add(p->f, "emqx user", HEALTH_OK, "%s", account);
	free(account);
	free(login);
}

/* The broker's way up to TLS; what our own login meets there is not the device's fault. */
static void
tell_way(struct device_check *p, const struct doctor_broker *b)
{
	enum broker_probe_stage at = broker_probe_failed(&b->probe);
	char *why = at != BROKER_PROBE_STAGES ? broker_probe_why(&b->probe) : NULL;

	if (b->err.code != ERR_OK)
		doctor_findings_add(p->f, "broker", doctor_health_of(&b->err), "'%s': %s",
		    b->name, b->err.text);
	else if (at <= BROKER_PROBE_TLS)
		doctor_findings_add(p->f, "broker", HEALTH_BAD, "'%s': %s", b->name, why);
	else if (p->qos == 2 && b->qos >= 0 && b->qos < 2)
		doctor_findings_add(p->f, "broker", HEALTH_BAD,
		    _("'%s' does not do QoS 2, which it is configured for: use QoS 1"),
		    b->name);
	else
		doctor_findings_add(p->f, "broker", HEALTH_OK, "'%s'", b->name);
	free(why);
}

static int
examine_broker(struct device_check *p, struct doctor_broker **out, struct err *err)
{
	char *id = view_text_of(p->config, "broker");
	struct span broker = view_by(&p->k->view, VIEW_BROKERS, "id", id);

	free(id);
	*out = NULL;
	if (p->k->view.missing[VIEW_CONFIGS]) {
		doctor_findings_add(p->f, "broker", HEALTH_UNKNOWN,
		    _("the API does not show us device-configs"));
		return 0;
	}
	if (p->config.p == NULL || view_member_is(p->config, "is_active", "false")) {
		doctor_findings_add(p->f, "broker", HEALTH_BAD,
		    p->config.p == NULL
			? _("it has no device-config: no broker, no topics")
			: _("its device-config is not active"));
		return 0;
	}
	if (view_member_is(broker, "is_active", "false")) {
		char *name = view_text_of(broker, "nombre");

		doctor_findings_add(
		    p->f, "broker", HEALTH_BAD, _("'%s' is not active"), name);
		free(name);
		return 0;
	}
	*out = doctor_broker_check(p->k, lookup_id_of(broker), err);
	if (*out == NULL)
		return -1;
	tell_way(p, *out);
	return 0;
}

static void
tell_login(struct device_check *p, const struct broker_probe_result *r)
{
	bool online = view_member_is(p->device, "connection_status", "online");

	if (r->state == BROKER_PROBE_OK)
		doctor_findings_add(
		    p->f, "login", HEALTH_OK, _("let in, under a probe's id"));
	else if (r->err.code == ERR_AUTH && online)
		doctor_findings_add(p->f, "login", HEALTH_UNKNOWN,
		    _("refused under a probe's id, yet the device is online: not "
		      "testable "
		      "without disconnecting it"));
	else
		doctor_findings_add(
		    p->f, "login", HEALTH_BAD, "CONNACK: %s", r->err.text);
}

static int
examine_login(struct device_check *p, struct doctor_broker *b, struct err *err)
{
	char *name = device_name(p->device);
	const struct credential *login = credentials_find(&p->k->file.known, name);
	struct broker_probe_result r = {0};

	free(name);
	if (b == NULL || b->err.code != ERR_OK ||
	    broker_probe_failed(&b->probe) <= BROKER_PROBE_TLS) {
		doctor_findings_add(
		    p->f, "login", HEALTH_UNKNOWN, _("no way to its broker"));
		return 0;
	}
	if (login == NULL || (login->password == NULL && login->cert == NULL)) {
		doctor_findings_add(p->f, "login", HEALTH_UNKNOWN,
		    _("its password is not known here (%s)"),
		    p->k->file.path != NULL ? p->k->file.path : "-");
		return 0;
	}
	if (doctor_broker_login(p->k, b, login, &r, err))
		return -1;
	tell_login(p, &r);
	free(r.detail);
	return 0;
}

/* One configured topic against the rules. Returns whether it is allowed. */
static bool
may(struct device_check *p, const struct acl *rules, const char *username,
    enum acl_action action, struct span topic)
{
	char *pattern = view_text_of(topic, "topic_pattern");
	char *name = acl_filter(pattern, p->id);
	char *qos = view_text_of(topic, "qos");
	char *client = view_text_of(p->device, "mqtt_client_id");
	struct acl_question q = {.username = username,
	    .clientid = client,
	    .action = action,
	    .topic = name,
	    .qos = qos[0] != '\0' ? qos[0] - '0' : -1,
	    .retain = view_member_is(topic, "retain", "true")};
	bool good = name != NULL && acl_decide(rules, &q, NULL) != ACL_DENIED;

	if (!good)
		doctor_findings_add(p->f, "acl", HEALTH_BAD,
		    _("it may not %s '%s' at QoS %d%s"), acl_action_word(action), pattern,
		    q.qos, action == ACL_PUBLISH && q.retain != 0 ? _(", retained") : "");
	free(client);
	free(qos);
	free(name);
	free(pattern);
	return good;
}

static void
examine_topics(struct device_check *p, const struct acl *rules, const char *username)
{
	struct json_iter it = {0};
	char *id = view_text_of(p->config, "publish_topic");
	struct span topic = view_by(&p->k->view, VIEW_TOPICS, "id", id);
	bool good = topic.p == NULL || may(p, rules, username, ACL_PUBLISH, topic);
	size_t n = topic.p != NULL;

	free(id);
	if (json_member(p->config, "subscribe_topics", &it.value)) {
		while (json_next(&it)) {
			id = xstrndup(it.item.p, it.item.n);
			topic = view_by(&p->k->view, VIEW_TOPICS, "id", id);
			free(id);
			n += topic.p != NULL;
			good = (topic.p == NULL ||
				   may(p, rules, username, ACL_SUBSCRIBE, topic)) &&
			    good;
		}
	}
	if (good && n != 0)
		doctor_findings_add(p->f, "acl", HEALTH_OK, _("its %zu topics"), n);
	else if (good)
		doctor_findings_add(
		    p->f, "acl", HEALTH_BAD, _("it has no topics: set publish_topic"));
}

static void
examine_acl(struct device_check *p)
{
	struct acl rules = {0};
	char *username = NULL;

	if (p->config.p == NULL)
		return;
	acl_of_device(&p->k->view, &p->k->topics, p->device, &rules, &username);
	if (username[0] == '\0')
		doctor_findings_add(p->f, "acl", HEALTH_UNKNOWN, _("it has no login"));
	else
		examine_topics(p, &rules, username);
	acl_release(&rules);
	free(username);
}

static void
examine_sensors(struct device_check *p)
{
	struct json_iter it = {0};
	size_t n = 0;

	if (json_member(p->device, "sensores_asignados", &it.value)) {
		while (json_next(&it))
			n++;
	}
	if (n == 0)
		doctor_findings_add(p->f, "sensors", HEALTH_BAD,
		    _("none is assigned: its readings have nowhere to go"));
	else
		doctor_findings_add(p->f, "sensors", HEALTH_OK, _("%zu assigned"), n);
}

static void
examine_status(struct device_check *p)
{
	char *status = view_text_of(p->device, "connection_status");

	doctor_findings_add(p->f, "status",
	    strcmp(status, "online") == 0 ? HEALTH_OK : HEALTH_BAD, "%s", status);
	free(status);
}

static int64_t
patience(const struct device_check *p)
{
	int64_t within = SILENT_INTERVALS * (int64_t)doctor_interval_of(p->config);

	return within > SILENT_LEAST ? within : SILENT_LEAST;
}

static int
examine_reading(struct device_check *p, struct err *err)
{
	char *query = xasprintf("&dispositivo=%" JSON_INTEGER_FORMAT, p->number);
	int64_t age;
	int failed = doctor_newest_reading(p->k->c, query, &age, err);
	char *words = doctor_age_words(age);

	if (!failed && age == -1)
		doctor_findings_add(p->f, "last reading", HEALTH_BAD, _("there is none"));
	else if (!failed && age == -2)
		doctor_findings_add(p->f, "last reading", HEALTH_UNKNOWN,
		    _("the API's times name no zone: set api_tz"));
	else if (!failed && age > patience(p))
		doctor_findings_add(p->f, "last reading", HEALTH_BAD, _("%s ago"), words);
	else if (!failed)
		doctor_findings_add(p->f, "last reading", HEALTH_OK, _("%s ago"), words);
	free(words);
	free(query);
	return failed;
}

static int
highest_configured(const struct device_check *p)
{
	char *publish = view_text_of(p->config, "publish_topic");
	bool two = view_member_is(p->config, "qos", "2") ||
	    view_member_is(view_by(&p->k->view, VIEW_TOPICS, "id", publish), "qos", "2");

	free(publish);
	return two ? 2 : 1;
}

static bool
knows_enough(const struct device_check *p)
{
	return p->k->cause_only && doctor_findings_bad(p->f) != 0;
}

static int
examine(struct device_check *p, struct err *err)
{
	struct doctor_broker *b = NULL;

	examine_identity(p);
	if (knows_enough(p))
		return 0;
	if (examine_broker(p, &b, err))
		return -1;
	examine_credential(p);
	examine_account(p);
	if (knows_enough(p))
		return 0;
	if (examine_login(p, b, err))
		return -1;
	examine_acl(p);
	examine_sensors(p);
	examine_status(p);
	return knows_enough(p) ? 0 : examine_reading(p, err);
}

int
doctor_check_device(
    struct doctor_brokers *k, struct span device, struct findings *f, struct err *err)
{
	json_int_t number = lookup_id_of(device);
	struct device_check p = {.k = k,
	    .f = f,
	    .device = device,
	    .config = view_by_id(&k->view, VIEW_CONFIGS, "dispositivo", number),
	    .credential = view_by_id(&k->view, VIEW_CREDENTIALS, "dispositivo", number),
	    .account = view_by_id(&k->view, VIEW_ACCOUNTS, "dispositivo", number),
	    .id = view_text_of(device, "identificador_unico"),
	    .number = number};
	int failed;

	p.qos = highest_configured(&p);
	failed = examine(&p, err);
	free(p.id);
	return failed;
}
