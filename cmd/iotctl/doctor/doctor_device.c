/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device, from its name on the platform to its last reading. Nothing here connects as the device. */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotctl/verbs/device.h"
#include "iotctl/doctor/doctor.h"

enum { SILENT_LEAST = 90, SILENT_INTERVALS = 3 };

/* A device with what belongs to it; absent spans where there is nothing. */
struct patient {
	struct clinic *k;
	struct findings *f;
	struct span device, config, credential, account;
	char *id;
	json_int_t number;
	int qos; /* the highest it is configured for */
};

static void
examine_identity(struct patient *p)
{
	struct err why = {0};

	if (topic_check_id(span_of(p->id), _("device id"), &why))
		findings_add(p->f, "identity", HEALTH_BAD, "%s", why.text);
	else if (member_is(p->device, "mqtt_enabled", "false"))
		findings_add(
		    p->f, "identity", HEALTH_BAD, _("mqtt_enabled is false for it"));
	else
		findings_add(p->f, "identity", HEALTH_OK,
		    "%s (id %" JSON_INTEGER_FORMAT ")", p->id, p->number);
}

static void
examine_credential(struct patient *p)
{
	if (p->k->view.missing[VIEW_CREDENTIALS])
		findings_add(p->f, "credential", HEALTH_UNKNOWN,
		    _("the API does not show us credentials"));
	else if (p->credential.p == NULL)
		findings_add(p->f, "credential", HEALTH_BAD,
		    _("it has none: 'iotctl credential create'"));
	else if (member_is(p->credential, "is_active", "false"))
		findings_add(p->f, "credential", HEALTH_BAD, _("it is not active"));
	else
		findings_add(p->f, "credential", HEALTH_OK, "-");
}

static void
examine_account(struct patient *p)
{
	char *login = text_of(p->credential, "username");
	char *account = text_of(p->account, "username");

	if (p->k->view.missing[VIEW_ACCOUNTS])
		findings_add(p->f, "emqx user", HEALTH_NONE,
		    _("the platform keeps no EMQX users"));
	else if (p->account.p == NULL)
		findings_add(p->f, "emqx user", HEALTH_BAD,
		    _("it has none: EMQX will not let it in"));
	else if (p->credential.p != NULL && strcmp(login, account) != 0)
		findings_add(p->f, "emqx user", HEALTH_BAD,
		    _("its credential's user is not the one that EMQX knows"));
	else
		findings_add(p->f, "emqx user", HEALTH_OK, "%s", account);
	free(account);
	free(login);
}

/* The broker's way up to TLS; what our own login meets there is not the device's fault. */
static void
tell_way(struct patient *p, const struct broker_case *b)
{
	enum probe_stage at = probe_failed(&b->probe);
	char *why = at != PROBE_STAGES ? probe_why(&b->probe) : NULL;

	if (b->err.code != ERR_OK)
		findings_add(
		    p->f, "broker", health_of(&b->err), "'%s': %s", b->name, b->err.text);
	else if (at <= PROBE_TLS)
		findings_add(p->f, "broker", HEALTH_BAD, "'%s': %s", b->name, why);
	else if (p->qos == 2 && b->qos >= 0 && b->qos < 2)
		findings_add(p->f, "broker", HEALTH_BAD,
		    _("'%s' does not do QoS 2, which it is configured for: use QoS 1"),
		    b->name);
	else
		findings_add(p->f, "broker", HEALTH_OK, "'%s'", b->name);
	free(why);
}

static int
examine_broker(struct patient *p, struct broker_case **out, struct err *err)
{
	char *id = text_of(p->config, "broker");
	struct span broker = view_by(&p->k->view, VIEW_BROKERS, "id", id);

	free(id);
	*out = NULL;
	if (p->k->view.missing[VIEW_CONFIGS]) {
		findings_add(p->f, "broker", HEALTH_UNKNOWN,
		    _("the API does not show us device-configs"));
		return 0;
	}
	if (p->config.p == NULL || member_is(p->config, "is_active", "false")) {
		findings_add(p->f, "broker", HEALTH_BAD,
		    p->config.p == NULL
			? _("it has no device-config: no broker, no topics")
			: _("its device-config is not active"));
		return 0;
	}
	if (member_is(broker, "is_active", "false")) {
		char *name = text_of(broker, "nombre");

		findings_add(p->f, "broker", HEALTH_BAD, _("'%s' is not active"), name);
		free(name);
		return 0;
	}
	*out = clinic_broker(p->k, id_of(broker), err);
	if (*out == NULL)
		return -1;
	tell_way(p, *out);
	return 0;
}

static void
tell_login(struct patient *p, const struct probe_result *r)
{
	bool online = member_is(p->device, "connection_status", "online");

	if (r->state == PROBE_OK)
		findings_add(p->f, "login", HEALTH_OK, _("let in, under a probe's id"));
	else if (r->err.code == ERR_AUTH && online)
		findings_add(p->f, "login", HEALTH_UNKNOWN,
		    _("refused under a probe's id, yet the device is online: not "
		      "testable "
		      "without disconnecting it"));
	else
		findings_add(p->f, "login", HEALTH_BAD, "CONNACK: %s", r->err.text);
}

static int
examine_login(struct patient *p, struct broker_case *b, struct err *err)
{
	char *name = device_name(p->device);
	const struct credential *login = credentials_find(&p->k->file.known, name);
	struct probe_result r = {0};

	free(name);
	if (b == NULL || b->err.code != ERR_OK || probe_failed(&b->probe) <= PROBE_TLS) {
		findings_add(p->f, "login", HEALTH_UNKNOWN, _("no way to its broker"));
		return 0;
	}
	if (login == NULL || (login->password == NULL && login->cert == NULL)) {
		findings_add(p->f, "login", HEALTH_UNKNOWN,
		    _("its password is not known here (%s)"),
		    p->k->file.path != NULL ? p->k->file.path : "-");
		return 0;
	}
	if (clinic_login(p->k, b, login, &r, err))
		return -1;
	tell_login(p, &r);
	free(r.detail);
	return 0;
}

/* One configured topic against the rules. Returns whether it is allowed. */
static bool
may(struct patient *p, const struct acl *rules, const char *username,
    enum acl_action action, struct span topic)
{
	char *pattern = text_of(topic, "topic_pattern");
	char *name = acl_filter(pattern, p->id);
	char *qos = text_of(topic, "qos");
	char *client = text_of(p->device, "mqtt_client_id");
	struct acl_question q = {.username = username,
	    .clientid = client,
	    .action = action,
	    .topic = name,
	    .qos = qos[0] != '\0' ? qos[0] - '0' : -1,
	    .retain = member_is(topic, "retain", "true")};
	bool good = name != NULL && acl_decide(rules, &q, NULL) != ACL_DENIED;

	if (!good)
		findings_add(p->f, "acl", HEALTH_BAD, _("it may not %s '%s' at QoS %d%s"),
		    acl_action_word(action), pattern, q.qos,
		    action == ACL_PUBLISH && q.retain != 0 ? _(", retained") : "");
	free(client);
	free(qos);
	free(name);
	free(pattern);
	return good;
}

static void
examine_topics(struct patient *p, const struct acl *rules, const char *username)
{
	struct json_iter it = {0};
	char *id = text_of(p->config, "publish_topic");
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
		findings_add(p->f, "acl", HEALTH_OK, _("its %zu topics"), n);
	else if (good)
		findings_add(
		    p->f, "acl", HEALTH_BAD, _("it has no topics: set publish_topic"));
}

static void
examine_acl(struct patient *p)
{
	struct acl rules = {0};
	char *username = NULL;

	if (p->config.p == NULL)
		return;
	acl_of_device(&p->k->view, &p->k->topics, p->device, &rules, &username);
	if (username[0] == '\0')
		findings_add(p->f, "acl", HEALTH_UNKNOWN, _("it has no login"));
	else
		examine_topics(p, &rules, username);
	acl_release(&rules);
	free(username);
}

static void
examine_sensors(struct patient *p)
{
	struct json_iter it = {0};
	size_t n = 0;

	if (json_member(p->device, "sensores_asignados", &it.value)) {
		while (json_next(&it))
			n++;
	}
	if (n == 0)
		findings_add(p->f, "sensors", HEALTH_BAD,
		    _("none is assigned: its readings have nowhere to go"));
	else
		findings_add(p->f, "sensors", HEALTH_OK, _("%zu assigned"), n);
}

static void
examine_status(struct patient *p)
{
	char *status = text_of(p->device, "connection_status");

	findings_add(p->f, "status",
	    strcmp(status, "online") == 0 ? HEALTH_OK : HEALTH_BAD, "%s", status);
	free(status);
}

static int64_t
patience(const struct patient *p)
{
	int64_t within = SILENT_INTERVALS * (int64_t)interval_of(p->config);

	return within > SILENT_LEAST ? within : SILENT_LEAST;
}

static int
examine_reading(struct patient *p, struct err *err)
{
	char *query = xasprintf("&dispositivo=%" JSON_INTEGER_FORMAT, p->number);
	int64_t age;
	int failed = newest_reading(p->k->c, query, &age, err);
	char *words = age_words(age);

	if (!failed && age == -1)
		findings_add(p->f, "last reading", HEALTH_BAD, _("there is none"));
	else if (!failed && age == -2)
		findings_add(p->f, "last reading", HEALTH_UNKNOWN,
		    _("the API's times name no zone: set api_tz"));
	else if (!failed && age > patience(p))
		findings_add(p->f, "last reading", HEALTH_BAD, _("%s ago"), words);
	else if (!failed)
		findings_add(p->f, "last reading", HEALTH_OK, _("%s ago"), words);
	free(words);
	free(query);
	return failed;
}

static int
highest_configured(const struct patient *p)
{
	char *publish = text_of(p->config, "publish_topic");
	bool two = member_is(p->config, "qos", "2") ||
	    member_is(view_by(&p->k->view, VIEW_TOPICS, "id", publish), "qos", "2");

	free(publish);
	return two ? 2 : 1;
}

static bool
knows_enough(const struct patient *p)
{
	return p->k->cause_only && findings_bad(p->f) != 0;
}

static int
examine(struct patient *p, struct err *err)
{
	struct broker_case *b = NULL;

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
device_examine(struct clinic *k, struct span device, struct findings *f, struct err *err)
{
	json_int_t number = id_of(device);
	struct patient p = {.k = k,
	    .f = f,
	    .device = device,
	    .config = view_by_id(&k->view, VIEW_CONFIGS, "dispositivo", number),
	    .credential = view_by_id(&k->view, VIEW_CREDENTIALS, "dispositivo", number),
	    .account = view_by_id(&k->view, VIEW_ACCOUNTS, "dispositivo", number),
	    .id = text_of(device, "identificador_unico"),
	    .number = number};
	int failed;

	p.qos = highest_configured(&p);
	failed = examine(&p, err);
	free(p.id);
	return failed;
}
