/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device, from its name on the platform to its last reading. Nothing here connects as the device. */
#include "iotctl/doctor/doctor.h"

#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tls/certificate.h"
#include "iotctl/acl/acl.h"
#include "iotctl/doctor/freshness.h"
#include "iotctl/verbs/device.h"

enum { CERTIFICATE_DAYS = 30 };

/* A device with what belongs to it; absent spans where there is nothing. */
struct device_check {
	struct doctor *d;
	struct findings *f;
	struct span device, config, credential, account;
	char *id;
	json_int_t number;
	int qos; /* the highest it is configured for */
};

static void
check_identity(struct device_check *dc)
{
	struct err why = {0};

	if (topic_check_id(span_of(dc->id), _("device id"), &why))
		findings_add(dc->f, "identity", HEALTH_BAD, "%s", why.text);
	else if (view_member_is(dc->device, "mqtt_enabled", "false"))
		findings_add(
		    dc->f, "identity", HEALTH_BAD, _("mqtt_enabled is false for it"));
	else
		findings_add(dc->f, "identity", HEALTH_OK,
		    "%s (id %" JSON_INTEGER_FORMAT ")", dc->id, dc->number);
}

static void
check_credential(struct device_check *dc)
{
	if (dc->d->view.missing[VIEW_CREDENTIALS])
		findings_add(dc->f, "credential", HEALTH_UNKNOWN,
		    _("the API does not show us credentials"));
	else if (dc->credential.p == NULL)
		findings_add(dc->f, "credential", HEALTH_BAD,
		    _("it has none: 'iotctl credential create'"));
	else if (view_member_is(dc->credential, "is_active", "false"))
		findings_add(dc->f, "credential", HEALTH_BAD, _("it is not active"));
	else
		findings_add(dc->f, "credential", HEALTH_OK, "-");
}

/* Of who shows a certificate: whether it will still do next month. */
static void
check_certificate(struct device_check *dc)
{
	char *cert, *id;
	struct err why = {0};
	int days = 0;

	if (!view_member_is(dc->credential, "use_device_cert", "true"))
		return;
	cert = view_text_of(dc->credential, "client_cert");
	id = view_text_of(dc->credential, "client_id");
	if (cert[0] == '\0')
		findings_add(dc->f, "certificate", HEALTH_BAD,
		    _("it has none: 'iotctl credential set ... client_cert@FILE "
		      "client_key@FILE'"));
	else if (certificate_check(cert, NULL, id, (int64_t)time(NULL), &days, &why))
		findings_add(dc->f, "certificate", HEALTH_BAD, "%s", why.text);
	else
		findings_add(dc->f, "certificate",
		    days < CERTIFICATE_DAYS ? HEALTH_WARN : HEALTH_OK,
		    P_("expires in %d day", "expires in %d days", days), days);
	free(id);
	free(cert);
}

static void
check_account(struct device_check *dc)
{
	char *login = view_text_of(dc->credential, "username");
	char *account = view_text_of(dc->account, "username");

	if (dc->d->view.missing[VIEW_ACCOUNTS])
		findings_add(dc->f, "emqx user", HEALTH_NONE,
		    _("the platform keeps no EMQX users"));
	else if (dc->account.p == NULL)
		findings_add(dc->f, "emqx user", HEALTH_BAD,
		    _("it has none: EMQX will not let it in"));
	else if (dc->credential.p != NULL && strcmp(login, account) != 0)
		findings_add(dc->f, "emqx user", HEALTH_BAD,
		    _("its credential's user is not the one that EMQX knows"));
	else
		findings_add(dc->f, "emqx user", HEALTH_OK, "%s", account);
	free(account);
	free(login);
}

/* How far the broker was reached, up to TLS: what our own login meets behind that is
 * not the device's fault. */
static void
add_broker(struct device_check *dc, const struct cached_broker *b)
{
	enum broker_probe_stage at = broker_probe_failed(&b->probe);
	char *why = at != BROKER_PROBE_STAGES ? broker_probe_why(&b->probe) : NULL;

	if (b->err.code != ERR_OK)
		findings_add(dc->f, "broker", findings_health(&b->err), "'%s': %s",
		    b->name, b->err.text);
	else if (at <= BROKER_PROBE_TLS)
		findings_add(dc->f, "broker", HEALTH_BAD, "'%s': %s", b->name, why);
	else if (dc->qos == 2 && b->qos >= 0 && b->qos < 2)
		findings_add(dc->f, "broker", HEALTH_BAD,
		    _("'%s' does not do QoS 2, which it is configured for: use QoS 1"),
		    b->name);
	else
		findings_add(dc->f, "broker", HEALTH_OK, "'%s'", b->name);
	free(why);
}

static int
check_broker(struct device_check *dc, struct cached_broker **out, struct err *err)
{
	char *id = view_text_of(dc->config, "broker");
	struct span broker = view_by(&dc->d->view, VIEW_BROKERS, "id", id);

	free(id);
	*out = NULL;
	if (dc->d->view.missing[VIEW_CONFIGS]) {
		findings_add(dc->f, "broker", HEALTH_UNKNOWN,
		    _("the API does not show us device-configs"));
		return 0;
	}
	if (dc->config.p == NULL || view_member_is(dc->config, "is_active", "false")) {
		findings_add(dc->f, "broker", HEALTH_BAD,
		    dc->config.p == NULL
			? _("it has no device-config: no broker, no topics")
			: _("its device-config is not active"));
		return 0;
	}
	if (view_member_is(broker, "is_active", "false")) {
		char *name = view_text_of(broker, "nombre");

		findings_add(dc->f, "broker", HEALTH_BAD, _("'%s' is not active"), name);
		free(name);
		return 0;
	}
	*out = broker_cache_get(&dc->d->brokers, lookup_id_of(broker), err);
	if (*out == NULL)
		return -1;
	add_broker(dc, *out);
	return 0;
}

static void
add_login(struct device_check *dc, const struct broker_probe_result *r)
{
	bool online = view_member_is(dc->device, "connection_status", "online");

	if (r->state == BROKER_PROBE_OK)
		findings_add(dc->f, "login", HEALTH_OK, _("let in, under a probe's id"));
	else if (r->err.code == ERR_AUTH && online)
		findings_add(dc->f, "login", HEALTH_UNKNOWN,
		    _("refused under a probe's id, yet the device is online: not "
		      "testable "
		      "without disconnecting it"));
	else
		findings_add(dc->f, "login", HEALTH_BAD, "CONNACK: %s", r->err.text);
}

static int
check_login(struct device_check *dc, struct cached_broker *b, struct err *err)
{
	char *name = device_name(dc->device);
	const struct credential *login = credentials_find(&dc->d->file.known, name);
	const char *rotated = password_file_at_broker(&dc->d->file, name);
	struct credential own = login != NULL ? *login : (struct credential){0};
	struct broker_probe_result r = {0};

	free(name);
	if (b == NULL || b->err.code != ERR_OK ||
	    broker_probe_failed(&b->probe) <= BROKER_PROBE_TLS) {
		findings_add(dc->f, "login", HEALTH_UNKNOWN, _("no way to its broker"));
		return 0;
	}
	if (login == NULL || (login->password == NULL && login->cert == NULL)) {
		findings_add(dc->f, "login", HEALTH_UNKNOWN,
		    _("its password is not known here (%s)"),
		    dc->d->file.path != NULL ? dc->d->file.path : "-");
		return 0;
	}
	if (rotated != NULL)
		own.password = rotated;
	if (broker_cache_login(&dc->d->brokers, b, &own, &r, err))
		return -1;
	add_login(dc, &r);
	free(r.detail);
	return 0;
}

/* One configured topic against the rules. Returns whether it is allowed. */
static bool
check_topic(struct device_check *dc, const struct access *rules, const char *username,
    enum access_action action, struct span topic)
{
	char *pattern = view_text_of(topic, "topic_pattern");
	char *name = access_rules_filter(pattern, dc->id);
	char *qos = view_text_of(topic, "qos");
	char *client = view_text_of(dc->device, "mqtt_client_id");
	struct access_question q = {.username = username,
	    .clientid = client,
	    .action = action,
	    .topic = name,
	    .qos = qos[0] != '\0' ? qos[0] - '0' : -1,
	    .retain = view_member_is(topic, "retain", "true")};
	bool good = name != NULL && access_decide(rules, &q, NULL) != ACCESS_DENIED;

	if (!good)
		findings_add(dc->f, "acl", HEALTH_BAD,
		    action == ACCESS_PUBLISH && q.retain != 0
			? _("it may not %s '%s' at QoS %d, retained")
			: _("it may not %s '%s' at QoS %d"),
		    access_action_word(action), pattern, q.qos);
	free(client);
	free(qos);
	free(name);
	free(pattern);
	return good;
}

static void
check_topics(struct device_check *dc, const struct access *rules, const char *username)
{
	struct json_iter it = {0};
	char *id = view_text_of(dc->config, "publish_topic");
	struct span topic = view_by(&dc->d->view, VIEW_TOPICS, "id", id);
	bool good =
	    topic.p == NULL || check_topic(dc, rules, username, ACCESS_PUBLISH, topic);
	size_t n = topic.p != NULL;

	free(id);
	if (json_member(dc->config, "subscribe_topics", &it.value)) {
		while (json_next(&it)) {
			id = xstrndup(it.item.p, it.item.n);
			topic = view_by(&dc->d->view, VIEW_TOPICS, "id", id);
			free(id);
			n += topic.p != NULL;
			good = (topic.p == NULL ||
				   check_topic(
				       dc, rules, username, ACCESS_SUBSCRIBE, topic)) &&
			    good;
		}
	}
	if (good && n != 0)
		findings_add(
		    dc->f, "acl", HEALTH_OK, P_("its topic", "its %zu topics", n), n);
	else if (good)
		findings_add(
		    dc->f, "acl", HEALTH_BAD, _("it has no topics: set publish_topic"));
}

static void
check_acl(struct device_check *dc)
{
	struct access_list rules = {0};
	char *username;

	if (dc->config.p == NULL)
		return;
	username = acl_of_device(&dc->d->view, &dc->d->topics, dc->device, &rules);
	if (username[0] == '\0')
		findings_add(dc->f, "acl", HEALTH_UNKNOWN, _("it has no login"));
	else
		check_topics(dc, access_find(&rules, username), username);
	access_release(&rules);
	free(username);
}

static void
check_sensors(struct device_check *dc)
{
	struct json_iter it = {0};
	size_t n = 0;

	if (json_member(dc->device, "sensores_asignados", &it.value)) {
		while (json_next(&it))
			n++;
	}
	if (n == 0)
		findings_add(dc->f, "sensors", HEALTH_BAD,
		    _("none is assigned: its readings have nowhere to go"));
	else
		findings_add(dc->f, "sensors", HEALTH_OK,
		    P_("%zu assigned", "%zu assigned", n), n);
}

static void
check_status(struct device_check *dc)
{
	char *status = view_text_of(dc->device, "connection_status");

	findings_add(dc->f, "status",
	    strcmp(status, "online") == 0 ? HEALTH_OK : HEALTH_BAD, "%s", status);
	free(status);
}

/* A broker that ends a connection without the device's will leaves its status, which then says what is no longer so:
 * the status alone is no sign of life. */
static void
add_silence(struct device_check *dc, int64_t age, const char *words)
{
	int64_t n = freshness_intervals(dc->config, age);

	if (n > 1 && view_member_is(dc->device, "connection_status", "online"))
		findings_add(dc->f, "last reading", HEALTH_BAD,
		    P_("connected, silent for %lld interval (%s)",
			"connected, silent for %lld intervals (%s)", n),
		    (long long)n, words);
	else
		findings_add(dc->f, "last reading", HEALTH_BAD, _("%s ago"), words);
}

static int
check_reading(struct device_check *dc, struct err *err)
{
	int64_t age;
	int failed = freshness_of_readings(dc->d->c, dc->number, &age, err);
	char *words = freshness_words(age);

	if (!failed && age == FRESHNESS_NO_READING)
		findings_add(dc->f, "last reading", HEALTH_BAD, _("there is none"));
	else if (!failed && age == FRESHNESS_NO_ZONE)
		findings_add(dc->f, "last reading", HEALTH_UNKNOWN,
		    _("the API's times name no zone: set api_tz"));
	else if (!failed && age > freshness_silence(dc->config))
		add_silence(dc, age, words);
	else if (!failed)
		findings_add(dc->f, "last reading", HEALTH_OK, _("%s ago"), words);
	free(words);
	return failed;
}

static int
highest_configured(const struct device_check *dc)
{
	char *publish = view_text_of(dc->config, "publish_topic");
	bool two = view_member_is(dc->config, "qos", "2") ||
	    view_member_is(view_by(&dc->d->view, VIEW_TOPICS, "id", publish), "qos", "2");

	free(publish);
	return two ? 2 : 1;
}

static bool
is_cause_known(const struct device_check *dc)
{
	return dc->d->cause_only && findings_bad(dc->f) != 0;
}

static int
check_all(struct device_check *dc, struct err *err)
{
	struct cached_broker *b = NULL;

	check_identity(dc);
	if (is_cause_known(dc))
		return 0;
	if (check_broker(dc, &b, err))
		return -1;
	check_credential(dc);
	check_certificate(dc);
	check_account(dc);
	if (is_cause_known(dc))
		return 0;
	if (check_login(dc, b, err))
		return -1;
	check_acl(dc);
	check_sensors(dc);
	check_status(dc);
	return is_cause_known(dc) ? 0 : check_reading(dc, err);
}

int
doctor_check_device(
    struct doctor *d, struct span device, struct findings *f, struct err *err)
{
	json_int_t number = lookup_id_of(device);
	struct device_check dc = {.d = d,
	    .f = f,
	    .device = device,
	    .config = view_by_id(&d->view, VIEW_CONFIGS, "dispositivo", number),
	    .credential = view_by_id(&d->view, VIEW_CREDENTIALS, "dispositivo", number),
	    .account = view_by_id(&d->view, VIEW_ACCOUNTS, "dispositivo", number),
	    .id = view_text_of(device, "identificador_unico"),
	    .number = number};
	int failed;

	dc.qos = highest_configured(&dc);
	failed = check_all(&dc, err);
	free(dc.id);
	return failed;
}
