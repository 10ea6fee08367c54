/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The values of a device in the words of C, of the shell and of JSON. */
#include "iotctl/env/env.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "iotctl/env/quote.h"

/* The names are those of the guide's two programs: of the sketch, and of the one in Python, whose variables the shell
 * has. */
static const struct {
	const char *name, *variable;
	bool number;
	const char *suffix; /* of a file; NULL: it is none */
} values[ENV_VALUES] = {
    [ENV_DEVICE] = {"device_id", "DEVICE_ID", false, NULL},
    [ENV_BROKER] = {"mqtt_server", "MQTT_BROKER", false, NULL},
    [ENV_PORT] = {"mqtt_port", "MQTT_PORT", true, NULL},
    [ENV_TLS] = {"mqtt_tls", "MQTT_TLS", true, NULL},
    [ENV_WS_PATH] = {"mqtt_ws_path", "MQTT_WS_PATH", false, NULL},
    [ENV_CA_CERT] = {"mqtt_ca_cert", "MQTT_CA_CERT", false, "ca.crt"},
    [ENV_USER] = {"mqtt_user", "MQTT_USER", false, NULL},
    [ENV_PASSWORD] = {"mqtt_password", "MQTT_PASSWORD", false, "pw"},
    [ENV_CERT] = {"mqtt_cert", "MQTT_CERT", false, "crt"},
    [ENV_KEY] = {"mqtt_key", "MQTT_KEY", false, "key"},
    [ENV_CLIENT_ID] = {"mqtt_client_id", "MQTT_CLIENT_ID", false, NULL},
    [ENV_QOS] = {"mqtt_qos", "MQTT_QOS", true, NULL},
    [ENV_INTERVAL] = {"publish_interval", "PUBLISH_INTERVAL", true, NULL},
    [ENV_TOPIC_DATA] = {"topic_data", "TOPIC_DATA", false, NULL},
    [ENV_TOPIC_COMMANDS] = {"topic_commands", "TOPIC_COMMANDS", false, NULL},
    [ENV_TOPIC_RESPONSES] = {"topic_responses", "TOPIC_RESPONSES", false, NULL},
    [ENV_TOPIC_STATUS] = {"topic_status", "TOPIC_STATUS", false, NULL},
};

static const char *
text_of(const struct env *e, size_t which)
{
	return e->v[which] != NULL ? e->v[which] : "";
}

void
env_put_header(struct buf *out, const struct env *e)
{
	size_t i;

	buf_printf(out,
	    "/* Written by: iotctl device env %s --format h\n"
	    " * It holds the device's password: keep it out of version control. */\n"
	    "#ifndef IOT_DEVICE_H\n#define IOT_DEVICE_H\n\n",
	    text_of(e, ENV_DEVICE));
	for (i = 0; i < ENV_VALUES; i++) {
		if (values[i].number) {
			buf_printf(out, "static const int %s = %s;\n", values[i].name,
			    text_of(e, i));
			continue;
		}
		buf_printf(out, "static const char *const %s = ", values[i].name);
		quote_c(out, text_of(e, i));
		buf_puts(out, ";\n");
	}
	buf_puts(out, "\n#endif\n");
}

char *
env_file(const struct env *e, enum env_value which, const char *dir)
{
	if (values[which].suffix == NULL || e->v[which] == NULL)
		return NULL;
	return xasprintf("%s/%s.%s", dir, text_of(e, ENV_DEVICE), values[which].suffix);
}

/* The text of a value, or the name of its file (free). */
static char *
named(const struct env *e, size_t which, const char *dir)
{
	char *path = env_file(e, (enum env_value)which, dir);

	if (path != NULL || values[which].suffix != NULL)
		return path != NULL ? path : xstrdup("");
	return xstrdup(text_of(e, which));
}

void
env_put_sh(struct buf *out, const struct env *e, const char *dir)
{
	size_t i;

	buf_printf(out, "# Written by: iotctl device env %s --format sh\n",
	    text_of(e, ENV_DEVICE));
	for (i = 0; i < ENV_VALUES; i++) {
		char *text = named(e, i, dir);

		buf_printf(out, "%s%s=", values[i].variable,
		    values[i].suffix != NULL ? "_FILE" : "");
		if (values[i].number)
			buf_puts(out, text);
		else
			quote_sh(out, text);
		buf_putc(out, '\n');
		free(text);
	}
}

void
env_put_json(struct buf *out, const struct env *e, const char *dir)
{
	size_t i;

	for (i = 0; i < ENV_VALUES; i++) {
		char *text = named(e, i, dir);

		buf_printf(out, "%s\"%s%s\":", i == 0 ? "{" : ",", values[i].name,
		    values[i].suffix != NULL ? "_file" : "");
		if (values[i].number)
			buf_puts(out, text);
		else
			json_put_text(out, span_of(text));
		free(text);
	}
	buf_puts(out, "}\n");
}
