/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/utf8.h"

static struct {
	const char *name;
	enum log_level level;
	bool transient; /* a line stands there that the next one wipes away */
	bool never_waits;
	size_t left_out; /* lines, since it stalls */
	bool torn;       /* the first of them was begun */
	void (*taker)(const char *level, struct span text);
} log_state = {.name = "iot-utils", .level = LOG_WARN};

enum { PATIENCE = 100 }; /* ms */

#define WIPE "\r\033[K"
/* Bytes: of a text shown for a moment; of a line's beginning, of its text and of what says that more is left out. */
enum { TRANSIENT_MOST = 200, HEAD_MOST = 80, TEXT_MOST = 2048, REST_MOST = 80 };

void
log_init(const char *name, enum log_level level)
{
	log_state.name = name;
	log_state.level = level;
}

const char *
log_name(void)
{
	return log_state.name;
}

enum log_level
log_level(void)
{
	return log_state.level;
}

void
log_hand_over(void (*taker)(const char *level, struct span text))
{
	log_state.taker = taker;
}

void
log_never_wait(void)
{
	log_state.never_waits = true;
}

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking. */
static bool
takes_more(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return !log_state.never_waits ||
	    poll(&p, 1, log_state.left_out > 0 ? 0 : PATIENCE) != 0;
}

/* False with bytes left. A line that cannot be written has nowhere else to go. */
static bool
write_bytes(const char *p, size_t n)
{
	const char *begin = p;

	while (n > 0 && takes_more()) {
		size_t most = log_state.never_waits && n > PIPE_BUF ? PIPE_BUF : n;
		ssize_t written = write(STDERR_FILENO, p, most);

		if (written <= 0)
			return true;
		p += written;
		n -= (size_t)written;
	}
	log_state.torn |= n > 0 && p > begin;
	return n == 0;
}

/* As much as has room, up to a whole character: a translation may be of any length. Returns the bytes. */
static size_t __attribute__((format(printf, 3, 4)))
put(char *to, size_t room, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return 0;
	return (size_t)n < room ? (size_t)n : utf8_cut(to, room - 2);
}

static bool
tell_left_out(void)
{
	char note[256];
	size_t n =
	    put(note, HEAD_MOST, "%s%.60s: ", log_state.torn ? "\n" : "", log_state.name);

	n += put(note + n, sizeof(note) - n - 1,
	    P_("%zu line is left out here: standard error was not read",
		"%zu lines are left out here: standard error was not read",
		log_state.left_out),
	    log_state.left_out);
	note[n++] = '\n';
	if (!write_bytes(note, n))
		return false;
	log_state.left_out = 0;
	log_state.torn = false;
	return true;
}

static void
write_line(const char *p, size_t n)
{
	if ((log_state.left_out > 0 && !tell_left_out()) || !write_bytes(p, n))
		log_state.left_out++;
}

static void __attribute__((format(printf, 2, 0)))
say(const char *level, const char *fmt, va_list ap)
{
	char raw[TEXT_MOST + 2];
	char line[HEAD_MOST + TEXT_MOST * 4 + REST_MOST + 1];
	int whole = vsnprintf(raw, sizeof(raw), fmt, ap);
	struct span text = {raw, whole > 0 ? (size_t)whole : 0};
	size_t n, left_out = 0;

	if (text.n > TEXT_MOST) {
		left_out = text.n;
		text.n = utf8_cut(raw, TEXT_MOST);
		left_out -= text.n;
	}
	if (log_state.taker != NULL) {
		log_state.taker(level, text);
		return;
	}
	n = put(line, HEAD_MOST, "%s%.60s: ", log_state.transient ? WIPE : "",
	    log_state.name);
	log_state.transient = false;
	n += utf8_visible(line + n, TEXT_MOST * 4, &text);
	if (left_out > 0)
		n += put(line + n, REST_MOST,
		    P_(" [... %zu byte more]", " [... %zu bytes more]", left_out),
		    left_out);
	line[n++] = '\n';
	write_line(line, n);
}

#define LOG_FUNCTION(name, least, word)                                                  \
	void name(const char *fmt, ...)                                                  \
	{                                                                                \
		va_list ap;                                                              \
                                                                                         \
		if (log_state.level < (least))                                           \
			return;                                                          \
		va_start(ap, fmt);                                                       \
		say(word, fmt, ap);                                                      \
		va_end(ap);                                                              \
	}

LOG_FUNCTION(log_error, LOG_QUIET, "error")
LOG_FUNCTION(log_warn, LOG_WARN, "warn")
LOG_FUNCTION(log_info, LOG_INFO, "info")
LOG_FUNCTION(log_debug, LOG_DEBUG, "debug")

/* How many bytes of it stand in one row: what wraps cannot be wiped away. */
static int
one_row(const char *text)
{
	struct winsize size = {0};
	int left = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1
	    ? size.ws_col
	    : 80;
	int n;

	for (n = 0; n < TRANSIENT_MOST && text[n] != '\0'; n++) {
		if ((text[n] & 0xC0) != 0x80 && --left == 0)
			return n;
	}
	return text[n] != '\0' ? (int)utf8_cut(text, (size_t)n) : n;
}

void
log_transient(const char *text)
{
	char line[TRANSIENT_MOST + sizeof(WIPE)];
	int n;

	if (text == NULL && !log_state.transient)
		return;
	if (text == NULL)
		n = snprintf(line, sizeof(line), WIPE);
	else
		n = snprintf(line, sizeof(line), WIPE "%.*s", one_row(text), text);
	write_line(line, (size_t)n);
	log_state.transient = text != NULL;
}

void
log_raw(const char *line, size_t n)
{
	log_transient(NULL);
	write_line(line, n);
}

void
log_err(const struct err *err)
{
	if (err->code != ERR_OK && err->text[0] != '\0')
		log_error("%s", err->text);
}

void
log_out_of_memory(void)
{
	static const char text[] = ": out of memory\n";

	write_line(log_state.name, strlen(log_state.name));
	write_line(text, sizeof(text) - 1);
	_exit(ERR_FAILED);
}
