// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "Arduino.h"

enum { WL_CONNECTED = 3 };
struct WiFiAlwaysThere {
	void begin(const char *, const char *) {}
	int status() { return WL_CONNECTED; }
};
static WiFiAlwaysThere WiFi;

struct Client { const char *ca = nullptr; };
struct WiFiClient : Client {};
