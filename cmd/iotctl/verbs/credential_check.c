/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/verbs/credential_check.h"

#include <string.h>
#include <time.h>

#include "base/text.h"
#include "tls/certificate.h"

static const json_t *
member(const json_t *current, const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);

	return value != NULL ? value : json_object_get(current, name);
}

static bool
changes(const json_t *body)
{
	return json_object_get(body, "client_cert") != NULL ||
	    json_object_get(body, "client_key") != NULL ||
	    json_object_get(body, "client_id") != NULL ||
	    json_object_get(body, "use_device_cert") != NULL;
}

int
credential_check(const struct schema_resource *r, const json_t *current,
    const json_t *body, struct err *err)
{
	const char *cert = json_string_value(member(current, body, "client_cert"));
	const char *id = json_string_value(member(current, body, "client_id"));
	/* The API does not show the key that it has. */
	const char *key = json_string_value(json_object_get(body, "client_key"));

	if (strcmp(r->name, "credential") != 0 || !changes(body) ||
	    !json_is_true(member(current, body, "use_device_cert")) || id == NULL)
		return 0;
	if (cert == NULL || cert[0] == '\0')
		return err_set(err, ERR_USAGE,
		    _("use_device_cert needs the certificate: client_cert@FILE "
		      "client_key@FILE"));
	if (key == NULL && json_object_get(body, "client_cert") != NULL &&
	    !json_is_true(json_object_get(current, "has_cert")))
		return err_set(
		    err, ERR_USAGE, _("a certificate needs its key: client_key@FILE"));
	return certificate_check(cert, key, id, (int64_t)time(NULL), NULL, err);
}
