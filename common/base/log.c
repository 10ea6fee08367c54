/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static struct {
	const char *name;
	enum log_level level;
} log_state = {"iot-utils", LOG_WARN};

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

/* A line that cannot be written has nowhere else to go. */
static void
write_line(const char *p, size_t n)
{
	if (write(STDERR_FILENO, p, n) < 0)
		return;
}

static void __attribute__((format(printf, 1, 0))) say(const char *fmt, va_list ap)
{
	char raw[2048];
	char line[sizeof(raw) * 4 + 64];
	size_t n;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	n = (size_t)snprintf(line, 64, "%.60s: ", log_state.name);
	n += text_visible(line + n, sizeof(line) - n - 1, raw);
	line[n++] = '\n';
	write_line(line, n);
}

#define LOG_FUNCTION(name, least)                                                        \
	void name(const char *fmt, ...)                                                  \
	{                                                                                \
		va_list ap;                                                              \
                                                                                         \
		if (log_state.level < (least))                                           \
			return;                                                          \
		va_start(ap, fmt);                                                       \
		say(fmt, ap);                                                            \
		va_end(ap);                                                              \
	}

LOG_FUNCTION(log_error, LOG_QUIET)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)

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

	write_line(log_state.name, text_len(log_state.name));
	write_line(text, sizeof(text) - 1);
	_exit(ERR_FAILED);
}
