/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/tty.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, RUBOUT = 127 };

static void
tell(int fd, const char *s)
{
	if (write(fd, s, strlen(s)) < 0)
		return;
}

/* What ends us while the echo is off; keys do not send these then. */
static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static struct {
	int fd;
	struct termios before;
	struct sigaction old[ARRAY_LEN(ends)];
} mute;

/* In a signal handler, too: TCSAFLUSH would wait for a terminal that is stopped. What was typed ahead is not for
 * who reads next. */
static void
unmute(void)
{
	size_t i;

	tcflush(mute.fd, TCIFLUSH);
	tcsetattr(mute.fd, TCSANOW, &mute.before);
	for (i = 0; i < ARRAY_LEN(ends); i++)
		sigaction(ends[i], &mute.old[i], NULL);
}

/* A default action would leave the terminal mute: it is taken afterwards. */
static void
on_end(int signo)
{
	unmute();
	raise(signo);
}

/* 0, or -1 with errno. A signal that is ignored stays so. */
static int
turn_mute(int fd)
{
	const struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_RESTART};
	struct termios quiet;
	size_t i;

	mute.fd = fd;
	if (tcgetattr(fd, &mute.before) != 0)
		return -1;
	for (i = 0; i < ARRAY_LEN(ends); i++) {
		sigaction(ends[i], NULL, &mute.old[i]);
		if (mute.old[i].sa_handler != SIG_IGN)
			sigaction(ends[i], &end, NULL);
	}
	quiet = mute.before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	return 0;
}

static int
read_hidden(int fd, struct buf *line, struct err *err)
{
	unsigned char c;

	for (;;) {
		if (read(fd, &c, 1) != 1 || (c == CTRL_D && line->n == 0))
			return err_set(err, ERR_USAGE, _("no answer"));
		if (c == CTRL_C)
			return err_set(
			    err, (enum err_code)(ERR_SIGNAL + SIGINT), "%s", "");
		if (c == '\n' || c == '\r')
			return 0;
		if (c == CTRL_U)
			line->n = 0;
		else if (c != BACKSPACE && c != RUBOUT)
			buf_putc(line, (char)c);
		else if (line->n != 0)
			line->n--;
	}
}

static int
read_shown(int fd, struct buf *line, struct err *err)
{
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == '\n')
			return 0;
		buf_putc(line, c);
	}
	return err_set(err, ERR_USAGE, _("no answer"));
}

static int
ask_hidden(int fd, struct buf *line, struct err *err)
{
	int failed;

	if (turn_mute(fd) != 0)
		return err_sys(err, ERR_USAGE, _("cannot turn the echo off"));
	failed = read_hidden(fd, line, err);
	unmute();
	tell(fd, "\n");
	return failed;
}

int
tty_ask(const char *question, bool secret, char **out, struct err *err)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct buf line = {0};
	int failed;

	if (fd < 0)
		return err_set(
		    err, ERR_USAGE, _("no terminal to ask for '%s' on"), question);
	tell(fd, question);
	tell(fd, ": ");
	failed = secret ? ask_hidden(fd, &line, err) : read_shown(fd, &line, err);
	close(fd);
	if (!failed)
		*out = xstrdup(buf_str(&line));
	if (line.p != NULL)
		explicit_bzero(line.p, line.room);
	buf_release(&line);
	return failed;
}

bool
tty_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}
