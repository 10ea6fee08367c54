/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the values of a device come from: the platform, and the credentials file. */
#include "iotctl/env/env.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/broker_address.h"
#include "iotctl/acl/acl.h"
#include "iotctl/core/view.h"
#include "iotctl/login/password_file.h"
#include "iotctl/verbs/device.h"

enum { PEM_MOST = 65536 }; /* bytes */

/* One device with what belongs to it; absent spans where there is nothing. */
struct found {
	struct view view;
	struct topic_set topics;
	struct lookup_found device;
	struct span object, config, credential;
};

static int
find(struct ctl *c, const char *name, struct found *f, struct err *err)
{
	json_int_t id;

	if (topic_set_compile(&f->topics, &c->args->topics, err) ||
	    lookup(c, schema_find("device"), name, &f->device, err) ||
	    view_load(c, &f->device, &f->view, err))
		return -1;
	f->object = buf_as_span(&f->device.bytes);
	id = lookup_id_of(f->object);
	f->config = view_by_id(&f->view, VIEW_CONFIGS, "dispositivo", id);
	f->credential = view_by_id(&f->view, VIEW_CREDENTIALS, "dispositivo", id);
	return 0;
}

static void
found_release(struct found *f)
{
	topic_set_release(&f->topics);
	view_release(&f->view);
	lookup_release(&f->device);
}

static int
take_broker(const struct found *f, struct env *e, struct err *err)
{
	char *id = view_text_of(f->config, "broker");
	struct span broker = view_by(&f->view, VIEW_BROKERS, "id", id);
	struct broker_address a = {0};
	int failed;

	free(id);
	if (broker.p == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    _("device '%s' has no broker: give it a device-config"),
		    e->v[ENV_DEVICE]);
	failed = broker_address_read(&a, broker, err);
	if (!failed) {
		e->v[ENV_BROKER] = xstrdup(a.host);
		e->v[ENV_PORT] = xasprintf("%d", a.port);
		e->v[ENV_TLS] = xstrdup(a.tls ? "1" : "0");
		e->v[ENV_WS_PATH] = a.ws_path != NULL ? xstrdup(a.ws_path) : NULL;
		e->v[ENV_CA_CERT] = a.ca_pem != NULL ? xstrdup(a.ca_pem) : NULL;
	}
	broker_address_release(&a);
	return failed;
}

static int
expand(const struct topic *t, const struct env *e, char **out, struct err *err)
{
	struct topic_vars vars = {0};

	vars.v[TOPIC_DEVICE_ID] = span_of(e->v[ENV_DEVICE]);
	return topic_expand(t, &vars, out, err);
}

/* Readings go where the device-config says; the rest of the platform speaks to devices by the templates. */
static int
take_topics(const struct found *f, struct env *e, struct err *err)
{
	char *id = view_text_of(f->config, "publish_topic");
	char *pattern =
	    view_text_of(view_by(&f->view, VIEW_TOPICS, "id", id), "topic_pattern");
	struct topic *own = NULL;
	int failed = pattern[0] != '\0' && topic_compile(&own, pattern, err) != 0;

	failed = failed ||
	    expand(own != NULL ? own : f->topics.data, e, &e->v[ENV_TOPIC_DATA], err) ||
	    expand(f->topics.commands, e, &e->v[ENV_TOPIC_COMMANDS], err) ||
	    expand(f->topics.responses, e, &e->v[ENV_TOPIC_RESPONSES], err) ||
	    expand(f->topics.status, e, &e->v[ENV_TOPIC_STATUS], err);
	topic_free(own);
	free(pattern);
	free(id);
	return failed ? -1 : 0;
}

/* A number of the device-config, or what the guide says. */
static char *
number_of(struct span config, const char *member, const char *preset)
{
	char *text = view_text_of(config, member);

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text))
		return text;
	free(text);
	return xstrdup(preset);
}

static int
read_pem(const char *path, char **out, struct err *err)
{
	struct buf text = {0};
	int failed = file_read_private(path, PEM_MOST, &text, err);

	if (!failed)
		*out = xstrdup(buf_str(&text));
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_release(&text);
	return failed;
}

/* A password goes with the user name that it was made for. */
static int
take_password(
    const struct password_file *file, const char *name, struct env *e, struct err *err)
{
	const struct credential *row = credentials_find(&file->known, name);

	if (password_file_pending(file, name) != NULL)
		return err_set(err, ERR_FAILED,
		    _("nobody knows which password of device '%s' counts: 'iotctl "
		      "credential rotate %s' settles it"),
		    name, name);
	if (row == NULL || row->password == NULL || row->username == NULL ||
	    strcmp(row->username, e->v[ENV_USER]) != 0)
		return err_set(err, ERR_NOT_FOUND,
		    _("the password of device '%s' is not known here (%s): 'iotctl "
		      "credential rotate %s' makes a new one"),
		    name, file->path != NULL ? file->path : "-", name);
	e->v[ENV_PASSWORD] = xstrdup(row->password);
	return 0;
}

static int
take_certificate(
    const struct password_file *file, const char *name, struct env *e, struct err *err)
{
	const struct credential *row = credentials_find(&file->known, name);

	if (row == NULL || row->cert == NULL || row->key == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    _("the certificate of device '%s', and its key, are not known here "
		      "(%s)"),
		    name, file->path != NULL ? file->path : "-");
	return read_pem(row->cert, &e->v[ENV_CERT], err) ||
		read_pem(row->key, &e->v[ENV_KEY], err)
	    ? -1
	    : 0;
}

static int
take_login(struct ctl *c, const struct found *f, struct env *e, struct err *err)
{
	bool certified = acl_uses_certificate(&f->view, f->object);
	char *name = device_name(f->object);
	struct password_file file;
	int failed = password_file_open(c, &file, err);

	e->v[ENV_USER] = acl_login_of(&f->view, f->object);
	e->v[ENV_CLIENT_ID] = view_text_of(f->credential, "client_id");
	if (!failed && (e->v[ENV_USER][0] == '\0' || e->v[ENV_CLIENT_ID][0] == '\0'))
		failed = err_set(err, ERR_NOT_FOUND,
		    _("device '%s' has no login: give it a credential"), name);
	if (!failed)
		failed = certified ? take_certificate(&file, name, e, err)
				   : take_password(&file, name, e, err);
	password_file_release(&file);
	free(name);
	return failed;
}

int
env_load(struct ctl *c, const char *device, struct env *out, struct err *err)
{
	struct found f = {0};
	int failed;

	*out = (struct env){0};
	failed = find(c, device, &f, err);
	if (!failed) {
		out->v[ENV_DEVICE] = view_text_of(f.object, "identificador_unico");
		out->v[ENV_QOS] = number_of(f.config, "qos", "1");
		out->v[ENV_INTERVAL] = number_of(f.config, "publish_interval", "60");
		failed =
		    topic_check_id(span_of(out->v[ENV_DEVICE]), _("device id"), err) ||
		    take_broker(&f, out, err) || take_topics(&f, out, err) ||
		    take_login(c, &f, out, err);
	}
	found_release(&f);
	return failed ? -1 : 0;
}

void
env_release(struct env *e)
{
	size_t i;

	for (i = 0; i < ENV_VALUES; i++)
		mem_free_secret(e->v[i]);
	*e = (struct env){0};
}
