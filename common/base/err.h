/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

/*
 * The exit status table of every program but iotstatus: the one source of the enum below and
 * of the EXIT STATUS sections (make gen). X(name, status, meaning).
 */
#define ERR_TABLE(X)                                                                     \
	X(OK, 0, "done; also a stream ended by SIGTERM after a clean drain, or by its "  \
		 "reader closing the pipe")                                              \
	X(FAILED, 1, "failed or partly failed")                                          \
	X(USAGE, 2, "usage, configuration, or data refused on this side")                \
	X(NOT_FOUND, 3, "not found")                                                     \
	X(AUTH, 4, "authentication or permission: 401, 403, bad login, CONNACK or "      \
		   "SUBACK refused")                                                     \
	X(UNREACHABLE, 5, "unreachable: DNS, TCP, TLS, time-out, 5xx after retries")     \
	X(REFUSED, 6, "the server refused the data (400, 409, 422)")                     \
	X(OUTPUT, 7, "output could not be written")                                      \
	X(PROTOCOL, 8, "protocol error, or a client id fought over")                     \
	X(TIMEOUT, 27, "the time given with -W or --wait ran out")                       \
	X(SIGNAL, 128, "128+n: ended by signal n")

enum err_code {
#define ERR_ENUM(name, status, meaning) ERR_##name = (status),
	ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

/* An error value: lives on the caller's stack, needs no release. `code` 0 means no error. A text that has no room
 * ends with " [...]", behind a whole UTF-8 character. */
struct err {
	enum err_code code;
	char text[512];
};

/* Sets the error where the fact is known. `err` may be NULL. Always returns -1, so that a
 * function can `return err_set(...)`. Text: lower case, no full stop, subject in quotes. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and the text of errno, which a long text leaves room for. */
int err_sys(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context in front of an error that is set: "context: text", at least half of it for the text.
 * Always returns -1. */
int err_in(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts more behind it, "text" and what is given, which has at least half of the room. Always returns -1. */
int err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
