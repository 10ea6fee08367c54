/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/ask_password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "base/mem.h"
#include "base/text.h"

/* One line from the terminal, without echo. Free with mem_free_secret. */
static char *
ask(FILE *tty, const char *question)
{
	struct termios was, silent;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (tcgetattr(fileno(tty), &was) != 0)
		return NULL;
	silent = was;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs(question, tty);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	n = getline(&line, &room, tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &was);
	fputc('\n', tty);
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (n <= 0) {
		free(line);
		return NULL;
	}
	return line;
}

int
ask_password(char **out, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	char *again;
	int failed = 0;

	*out = NULL;
	if (tty == NULL)
		return err_set(err, ERR_USAGE,
		    _("no terminal to ask for the password; give --password-file"));
	*out = ask(tty, _("Password: "));
	again = ask(tty, _("Again: "));
	fclose(tty);
	if (*out == NULL || again == NULL || **out == '\0')
		failed = err_set(err, ERR_USAGE, _("no password was given"));
	else if (strcmp(*out, again) != 0)
		failed = err_set(err, ERR_USAGE, _("the two passwords differ"));
	mem_free_secret(again);
	return failed;
}
