/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "payloads.h"

#include <string.h>

#include "base/text.h"

static const struct payload_text compact[] = {
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"sensors\":{\"temperature\":21.5,"
	"\"humidity\":48.2},\"timestamp\":##########}"},
};

/* The two programs of the platform's guide, byte for byte. */
static const struct payload_text guide_python[] = {
    {"RPI_@@@",
	"{\"device_id\": \"RPI_@@@\", \"sensors\": {\"temperature\": 21.5, "
	"\"humidity\": 48.0}, \"timestamp\": ##########}"},
};
static const struct payload_text guide_esp32[] = {
    {"ESP32_@@@",
	"{\"device_id\":\"ESP32_@@@\",\"temperature\":21.50,\"humidity\":48.00,"
	"\"timestamp\":##########}"},
};

/* Members in any order, with white space or without, others than the guide's, nested or not. */
static const struct payload_text mixture[] = {
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"sensors\":{\"temperature\":21.5,"
	"\"humidity\":48.2},\"timestamp\":##########}"},
    {"DEV_@@@@",
	"{\"device_id\": \"DEV_@@@@\", \"sensors\": {\"temperature\": 21.5, "
	"\"humidity\": 48.0}, \"timestamp\": ##########}"},
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"temperature\":21.50,\"humidity\":48.00,"
	"\"timestamp\":##########}"},
    {"DEV_@@@@",
	"{\"timestamp\": ##########, \"sensors\": {\"humidity\": 48.2, "
	"\"temperature\": 21.5}, \"device_id\": \"DEV_@@@@\"}"},
    {"DEV_@@@@",
	"{\"sensors\":{\"co2\":612,\"noise\":41.25,\"door\":false},"
	"\"device_id\":\"DEV_@@@@\",\"timestamp\":##########}"},
    {"DEV_@@@@",
	"{\"device_id\": \"DEV_@@@@\", \"battery\": 87, \"rssi\": -71, "
	"\"sensors\": {\"soil_moisture\": 33.1}, \"timestamp\": ##########}"},
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"fw\":\"1.4.2\",\"up\":true,\"sensors\":"
	"{\"pressure\":1013.25,\"temperature\":-3.75},\"timestamp\":##########}"},
    {"DEV_@@@@",
	"{ \"device_id\" : \"DEV_@@@@\", \"temperature\" : 21.5, "
	"\"timestamp\" : ########## }"},
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"location\":{\"lat\":40.4168,\"lon\":"
	"-3.7038},\"sensors\":{\"temperature\":21.5},\"timestamp\":##########}"},
    {"DEV_@@@@",
	"{\"device_id\": \"DEV_@@@@\", \"sensors\": {\"power\": {\"l1\": 230.1, "
	"\"l2\": 229.8, \"l3\": 231.0}}, \"timestamp\": ##########}"},
    {"DEV_@@@@",
	"{\n  \"device_id\": \"DEV_@@@@\",\n  \"sensors\": {\n    "
	"\"temperature\": 21.5\n  },\n  \"timestamp\": ##########\n}"},
    {"DEV_@@@@",
	"{\"timestamp\":##########,\"temperature\":21.5,\"device_id\":"
	"\"DEV_@@@@\",\"tags\":[\"north\",\"roof\"],\"err\":null}"},
};

static const struct payload_text escapes[] = {
    {"DEV_@@@@",
	"{\"device_id\":\"DEV_@@@@\",\"place\":\"Sal\\u00f3n \\\"A\\\"\",\"sensors\":"
	"{\"temperatura °C\":21.5,\"humedad\":48.2},\"note\":\"línea 1\\nlínea 2\","
	"\"timestamp\":##########}"},
};

static const struct payload_kind kinds[] = {
    {"compact", compact, ARRAY_LEN(compact)},
    {"guide-python", guide_python, ARRAY_LEN(guide_python)},
    {"guide-esp32", guide_esp32, ARRAY_LEN(guide_esp32)},
    {"mixture", mixture, ARRAY_LEN(mixture)},
    {"escapes", escapes, ARRAY_LEN(escapes)},
};

const struct payload_kind *
payloads_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

struct payload_mark
payloads_mark(struct span s, char mark)
{
	const char *p = memchr(s.p, mark, s.n);
	struct payload_mark m = {p != NULL ? (size_t)(p - s.p) : 0, 0};

	while (p != NULL && m.at + m.n < s.n && s.p[m.at + m.n] == mark)
		m.n++;
	return m;
}

void
payloads_fill(char *p, struct payload_mark m, size_t value)
{
	while (m.n-- > 0) {
		p[m.at + m.n] = (char)('0' + value % 10);
		value /= 10;
	}
}
