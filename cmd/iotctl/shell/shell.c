/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shell's face: readline on the loop. */
#include "iotctl/shell/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/shell/complete.h"
#include "iotctl/shell/words.h"

enum { HISTORY_MAX = 1000 };

/* readline knows no argument for its callbacks: there is one terminal. */
static struct face {
	struct shell *s;
	struct loop_fd keys;
	char *history;
	struct buf pending; /* lines before one that closes the quote */
	struct strv candidates;
	bool over;
} face;

static void on_line(char *line);

static void
show_prompt(void)
{
	char *prompt = face.pending.n != 0 ? xstrdup("... ") : shell_prompt(face.s);

	rl_callback_handler_install(prompt, on_line);
	free(prompt);
}

/* A paste may have several commands: all are looked at. */
static bool
may_be_kept(const char *text)
{
	bool says_something = false, secret = false;
	size_t lines;

	while (*text != '\0' && !secret) {
		char *one = shell_next_command(&text, &lines);
		struct words l;

		words_split(one, &l);
		says_something |= l.words.n != 0;
		secret = words_have_secret(&l);
		words_release(&l);
		explicit_bzero(one, strlen(one));
		free(one);
	}
	return says_something && !secret;
}

/* Into memory and file, unless it holds a secret or repeats the last one. */
static void
remember(const char *text)
{
	HIST_ENTRY *last = history_length > 0 ? history_get(history_length) : NULL;

	if ((last != NULL && strcmp(last->line, text) == 0) || !may_be_kept(text))
		return;
	add_history(text);
	if (face.history != NULL)
		append_history(1, face.history);
}

static void
on_line(char *line)
{
	struct shell *s = face.s;

	rl_callback_handler_remove();
	if (line == NULL) {
		putchar('\n');
		s->leave = true;
	} else {
		if (face.pending.n != 0)
			buf_putc(&face.pending, '\n');
		buf_puts(&face.pending, line);
		if (!shell_text_is_open(buf_str(&face.pending))) {
			remember(buf_str(&face.pending));
			shell_text(s, buf_str(&face.pending));
			explicit_bzero(face.pending.p, face.pending.n);
			buf_clear(&face.pending);
		}
		explicit_bzero(line, strlen(line));
	}
	free(line);
	if (s->leave)
		loop_stop(s->c->loop);
	else
		show_prompt();
}

static void
on_keys(void *arg, unsigned events)
{
	(void)arg;
	if ((events & LOOP_READ) != 0) {
		rl_callback_read_char();
	} else {
		face.s->leave = true;
		loop_stop(face.s->c->loop);
	}
}

static void
on_interrupt(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	fputs("^C\n", rl_outstream);
	buf_clear(&face.pending);
	rl_callback_handler_remove();
	rl_replace_line("", 1);
	show_prompt();
}

static void
on_resize(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	rl_resize_terminal();
}

static void
on_end(void *arg, int signo)
{
	(void)signo;
	rl_callback_handler_remove();
	((struct shell *)arg)->leave = true;
	loop_stop(face.s->c->loop);
}

static char *
next_candidate(const char *text, int again)
{
	static size_t at;

	(void)text;
	if (again == 0)
		at = 0;
	return at < face.candidates.n ? strdup(face.candidates.v[at++]) : NULL;
}

/* FIELD@ and a file's name. */
static void
add_files(const char *word)
{
	const char *path = strchr(word, '@') + 1;
	char *name;
	int i;

	for (i = 0; (name = rl_filename_completion_function(path, i)) != NULL; i++) {
		char *whole = xasprintf("%.*s%s", (int)(path - word), word, name);

		strv_add(&face.candidates, whole);
		free(whole);
		free(name);
	}
}

static char **
on_tab(const char *text, int start, int end)
{
	static const char *const own[] = {"use", "exit"};
	char *before = xstrndup(rl_line_buffer, (size_t)start);
	struct strv words = {0};
	struct words l;
	bool files;
	size_t i;

	(void)end;
	words_split(before, &l);
	if (face.s->resource != NULL)
		strv_add(&words, face.s->resource);
	for (i = 0; i < l.words.n; i++)
		strv_add(&words, l.words.v[i]);
	strv_release(&face.candidates);
	complete(face.s->c, &words, text, &face.candidates, &files);
	if (l.words.n == 0) {
		struct strv none = {0};

		if (face.s->resource != NULL)
			complete(face.s->c, &none, text, &face.candidates, &files);
		for (i = 0; i < ARRAY_LEN(own); i++) {
			if (strncmp(own[i], text, strlen(text)) == 0)
				strv_add(&face.candidates, own[i]);
		}
	} else if (l.words.n == 1 && strcmp(l.words.v[0], "use") == 0) {
		struct strv none = {0};

		complete(face.s->c, &none, text, &face.candidates, &files);
	}
	if (files)
		add_files(text);
	words_release(&l);
	strv_release(&words);
	free(before);
	rl_attempted_completion_over = 1;
	/* Names with blanks get their quotes. */
	rl_filename_completion_desired = 1;
	if (face.candidates.n == 1 &&
	    strchr("=@", face.candidates.v[0][strlen(face.candidates.v[0]) - 1]) != NULL)
		rl_completion_suppress_append = 1;
	return rl_completion_matches(text, next_candidate);
}

/* 0600 before there is anything in it. */
static void
open_history(void)
{
	struct err err = {0};
	char *dir = file_state_path("");
	int fd;

	if (dir != NULL)
		file_make_dir(dir, &err);
	free(dir);
	face.history = file_state_path("history");
	fd = face.history != NULL
	    ? open(face.history, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
	    : -1;
	if (fd < 0 || fchmod(fd, 0600) != 0) {
		free(face.history);
		face.history = NULL;
	}
	if (fd >= 0)
		close(fd);
	using_history();
	stifle_history(HISTORY_MAX);
	if (face.history != NULL) {
		read_history(face.history);
		history_truncate_file(face.history, HISTORY_MAX);
	}
}

static void
set_readline(void)
{
	rl_readline_name = "iotctl";
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_attempted_completion_function = on_tab;
	/* = @ and : belong to a word here. */
	rl_completer_word_break_characters = (char *)(uintptr_t) " \t\n|";
	rl_completer_quote_characters = "'\"";
	rl_filename_quote_characters = " \t'\"\\|#";
	/* A paste is one text until Enter is pressed. */
	rl_variable_bind("enable-bracketed-paste", "on");
}

int
shell_interactive(struct shell *s, struct err *err)
{
	struct loop *loop;
	int failed;

	if (ctl_loop(s->c, err))
		return -1;
	loop = s->c->loop;
	face.s = s;
	set_readline();
	open_history();
	failed = loop_signal(loop, SIGINT, on_interrupt, s, err) ||
	    loop_signal(loop, SIGWINCH, on_resize, s, err) ||
	    loop_signal(loop, SIGTERM, on_end, s, err) ||
	    loop_signal(loop, SIGHUP, on_end, s, err) ||
	    loop_fd_start(loop, &face.keys, STDIN_FILENO, LOOP_READ, on_keys, NULL, err);
	if (!failed) {
		show_prompt();
		failed = loop_run(loop, err);
	}
	rl_callback_handler_remove();
	loop_fd_stop(&face.keys);
	strv_release(&face.candidates);
	buf_release(&face.pending);
	free(face.history);
	return failed ? -1 : 0;
}
