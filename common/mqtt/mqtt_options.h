/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MQTT_MQTT_OPTIONS_H
#define MQTT_MQTT_OPTIONS_H

#include "base/text.h"
#include "cli/opt.h"
#include "model/broker_address.h"
#include "mqtt/session_opts.h"

/* The connection options that all MQTT programs share: mosquitto's letters. */
struct mqtt_options {
	struct strv hosts; /* each may be several, with commas; and so with `urls` */
	int port;
	struct strv urls;
	char *unix_path; /* NULL: not given */
	bool takes_topic; /* set by main: a topic in the URL is the program's */
	char *id;
	char *username;
	char *password;
	char *password_file;
	int version; /* index into "auto|5|mqttv5|311|mqttv311|4" */
	int keepalive;
	char *cafile, *capath, *cert, *key, *keypass_file;
	int tls_version; /* index into TLS_VERSIONS */
	char *alpn;
	bool insecure;
	bool retry;
	int64_t connect_timeout;
	char *secret;   /* what password_file held: mqtt_options_resolve */
	char *keypass;  /* ... and keypass_file */
	struct broker_address *brokers; /* what `hosts` or `urls` say, in that order */
	size_t count;
};

#define MQTT_VERSIONS "auto|5|mqttv5|311|mqttv311"
#define TLS_VERSIONS "auto|1.2|tlsv1.2|1.3|tlsv1.3"

/* L(letter) keeps or drops the letters, P goes before the long names: iotctl, iotstatus and iotapi
 * use theirs otherwise. */
#define OPT_MQTT_(T, m, L, P, ...)                                                               \
	OPT_GROUP(N_("Connection"), __VA_ARGS__),                                                     \
	    OPT_LIST(T, m.hosts, L('h'), P "host", "HOST[,HOST]",                          \
		N_("the broker: a name, an address or a unix socket's path"),            \
		.key = "mqtt_host", .env = "IOT_MQTT_HOST", .value = "localhost"),       \
	    OPT_STR(T, m.unix_path, 0, P "unix", "PATH",                                   \
		N_("the broker's unix socket, in place of a host"), .flags = OPT_FILE), \
	    OPT_INT(T, m.port, L('p'), P "port", "PORT", 1, 65535, N_("the broker's port"),\
		.key = "mqtt_port", .env = "IOT_MQTT_PORT",                              \
		.value = N_("1883, with TLS 8883")),                                     \
	    OPT_LIST(T, m.urls, L('L'), P "url", "URL[,URL]",                              \
		N_("the broker: mqtt[s]:// or ws[s]://[USER@]HOST[:PORT][/PATH]"),       \
		.key = "broker",                                                         \
		.env = "IOT_MQTT_URL"),                                                  \
	    OPT_STR(T, m.id, L('i'), P "id", "ID", N_("client id")),                       \
	    OPT_STR(T, m.username, L('u'), P "username", "NAME", N_("user name"),          \
		.key = "mqtt_username", .env = "IOT_MQTT_USERNAME"),                     \
	    OPT_STR(T, m.password, L('P'), P "pw", "PASSWORD",                             \
		N_("password; prefer a file: others can see arguments"),                 \
		.flags = OPT_SECRET),                                                    \
	    OPT_STR(T, m.password_file, 0, P "password-file", "FILE",                 \
		N_("file with the MQTT password, mode 0600"), .key = "mqtt_password_file", \
		.env = "IOT_MQTT_PASSWORD_FILE", .flags = OPT_FILE),                     \
	    OPT_ENUM(T, m.version, L('V'), "mqtt-version", "VERSION", MQTT_VERSIONS,     \
		N_("MQTT version; auto tries 5, then 3.1.1"), .key = "mqtt_version",     \
		.preset = "auto"),                                                        \
	    OPT_INT(T, m.keepalive, L('k'), "keepalive", "SECONDS", 5, 65535,            \
		N_("keep-alive interval"), .key = "keepalive", .preset = "60"),           \
	    OPT_STR(T, m.cafile, 0, P "cafile", "FILE",                                    \
		N_("trust these CA certificates (implies TLS)"), .key = "mqtt_cafile",   \
		.env = "IOT_MQTT_CAFILE", .flags = OPT_FILE),                            \
	    OPT_STR(T, m.capath, 0, P "capath", "DIR",                                     \
		N_("trust the CA certificates in this directory (implies TLS)"),         \
		.key = "mqtt_capath", .flags = OPT_DIR),                                 \
	    OPT_STR(T, m.cert, 0, P "cert", "FILE", N_("client certificate"),              \
		.key = "mqtt_cert", .flags = OPT_FILE),                                  \
	    OPT_STR(T, m.key, 0, P "key", "FILE", N_("its private key"), .key = "mqtt_key",\
		.flags = OPT_FILE),                                                      \
	    OPT_STR(T, m.keypass_file, 0, P "keypass-file", "FILE",                        \
		N_("file with the key's passphrase, mode 0600"),                         \
		.key = "mqtt_keypass_file", .flags = OPT_FILE),                          \
	    OPT_ENUM(T, m.tls_version, 0, P "tls-version", "VERSION", TLS_VERSIONS,        \
		N_("speak this TLS version only; auto: 1.2 or newer"),                   \
		.key = "mqtt_tls_version", .preset = "auto"),                             \
	    OPT_STR(T, m.alpn, 0, P "tls-alpn", "PROTOCOL",                                \
		N_("ask for this protocol in the TLS handshake (ALPN)"),                 \
		.key = "mqtt_tls_alpn"),                                                 \
	    OPT_FLAG(T, m.insecure, 0, P "insecure",                                       \
		N_("do not verify the broker's certificate: for tests only")),           \
	    OPT_TIME(T, m.connect_timeout, 0, P "connect-timeout", "TIME",                 \
		N_("how long one attempt to connect may take"), .key = "connect_timeout", \
		.preset = "10s"),                                                         \
	    OPT_FLAG(T, m.retry, 0, P "retry", N_("keep trying when the first connect fails"))

#define OPT_LETTER_KEPT(l) (l)
#define OPT_LETTER_DROPPED(l) 0
#define OPT_MQTT(T, m) OPT_MQTT_(T, m, OPT_LETTER_KEPT, "")
#define OPT_MQTT_LONG(T, m, ...)                                                       \
	OPT_MQTT_(T, m, OPT_LETTER_DROPPED, "mqtt-", __VA_ARGS__)

/* Whether a broker is named by a host or a URL, from whatever source. */
static inline bool
mqtt_options_name_broker(const struct mqtt_options *o)
{
	return o->hosts.n > 0 || o->urls.n > 0 || o->unix_path != NULL;
}

/* What follows the host in the URL that was chosen, as other clients have it: a topic, or a filter. NULL: nothing. It
 * is not looked at here. */
static inline const char *
mqtt_options_topic(const struct mqtt_options *o)
{
	return o->count > 0 ? o->brokers[0].topic : NULL;
}

/* Fills the connection part of `out` (brokers with host, port, tls; files, login, version, keepalive, retry,
 * time-out, client_id) from the options: URLs taken apart, password file read, defaults put in.
 * Everything in `out` points into `o`, which must outlive it. -h and -p outrank the URL when they
 * come from a stronger source; hosts and URLs from one source are an error, as are several brokers of more than
 * one protocol, or with more than one login. `set` tells the sources. */
int mqtt_options_resolve(struct mqtt_options *o, const struct opt_set *set, struct session_opts *out,
    struct err *err);
void mqtt_options_release(struct mqtt_options *o);
/* Whether `text` may be kept as the brokers of a configuration (the key "broker"): URLs, alike, and without a
 * topic. */
int mqtt_options_check_urls(const char *text, struct err *err);

#endif
