// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "Arduino.h"

struct WiFiClientSecure : Client {
	void setCACert(const char *pem) { ca = pem; }
	void setCertificate(const char *) {}
	void setPrivateKey(const char *) {}
};
