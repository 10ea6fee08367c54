// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// PubSubClient's methods, by libmosquitto: QoS 0 to publish, as there.
#include <cstring>
#include <mosquitto.h>

#include "Arduino.h"
#include "WiFi.h"

class PubSubClient {
	struct mosquitto *m = nullptr;
	Client *wire = nullptr;
	const char *host = nullptr;
	int port = 0, keepalive = 15, code = -1;
	bool up = false;
	void (*called)(char *, byte *, unsigned int) = nullptr;

	static void on_connect(struct mosquitto *, void *arg, int rc) {
		PubSubClient *c = (PubSubClient *)arg;
		c->code = rc;
		c->up = rc == 0;
	}
	static void on_disconnect(struct mosquitto *, void *arg, int) { ((PubSubClient *)arg)->up = false; }
	static void on_message(struct mosquitto *, void *arg, const struct mosquitto_message *msg) {
		PubSubClient *c = (PubSubClient *)arg;
		c->called(msg->topic, (byte *)msg->payload, (unsigned int)msg->payloadlen);
	}

public:
	void setClient(Client &client) { wire = &client; }
	void setServer(const char *name, int number) { host = name; port = number; }
	void setKeepAlive(int seconds) { keepalive = seconds; }
	void setCallback(void (*f)(char *, byte *, unsigned int)) { called = f; }
	bool connected() { return up; }
	int state() { return code; }
	void loop() { if (mosquitto_loop(m, 50, 1) != MOSQ_ERR_SUCCESS) up = false; }
	bool subscribe(const char *topic, int qos) { return mosquitto_subscribe(m, nullptr, topic, qos) == 0; }
	bool publish(const char *topic, const char *text, bool retain) {
		return mosquitto_publish(m, nullptr, topic, (int)strlen(text), text, 0, retain) == 0;
	}
	bool connect(const char *id, const char *user, const char *password, const char *will, int qos, bool retain,
	    const char *text) {
		mosquitto_lib_init();
		mosquitto_destroy(m);
		m = mosquitto_new(id, true, this);
		mosquitto_connect_callback_set(m, on_connect);
		mosquitto_disconnect_callback_set(m, on_disconnect);
		mosquitto_message_callback_set(m, on_message);
		mosquitto_username_pw_set(m, user, password);
		mosquitto_will_set(m, will, (int)strlen(text), text, qos, retain);
		if (wire == nullptr || wire->ca != nullptr || mosquitto_connect(m, host, port, keepalive) != 0)
			return false;
		for (code = -1; code < 0 && mosquitto_loop(m, 100, 1) == MOSQ_ERR_SUCCESS;) {
		}
		return up;
	}
};
