// SPDX-License-Identifier: GPL-3.0-or-later
// What the example's sketch uses of Arduino, on this machine: it can be compiled and run against a real broker. Whether
// the compiler of an ESP32 takes it, and its own libraries do, this does not show.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <unistd.h>

typedef unsigned char byte;

class String {
	std::string s;

public:
	String(const char *text) : s(text) {}
	String(float number) { char text[32]; snprintf(text, sizeof(text), "%.2f", (double)number); s = text; }
	const char *c_str() const { return s.c_str(); }
	String &operator+=(const String &other) { s += other.s; return *this; }
	String &operator+=(char c) { s += c; return *this; }
	friend String operator+(String a, const String &b) { return a += b; }
};

struct SerialPort {
	void begin(long) {}
	void print(const String &text) { fputs(text.c_str(), stdout); fflush(stdout); }
	void println(const String &text) { print(text + "\n"); }
	void println(int number) { printf("%d\n", number); fflush(stdout); }
};
static SerialPort Serial;

static inline void delay(unsigned long ms) { usleep((useconds_t)ms * 1000); }
static inline unsigned long millis() {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}
static inline long random(long most) { return rand() % most; }
static inline void configTime(long, int, const char *) {}

