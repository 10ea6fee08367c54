/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shell on a terminal: readline's line editor on the loop. */
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
static struct editor {
	struct shell *s;
	struct loop_fd keys;
	char *history;
	struct buf pending; /* lines before one that closes the quote */
	struct strv candidates;
} editor;

static void on_line(char *line);

static void
show_prompt(void)
{
	char *prompt = editor.pending.n != 0 ? xstrdup("... ") : shell_prompt(editor.s);

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

/* Adds it to the history, unless it holds a secret or repeats the last one. */
static void
remember(const char *text)
{
	HIST_ENTRY *last = history_length > 0 ? history_get(history_length) : NULL;

	if ((last != NULL && strcmp(last->line, text) == 0) || !may_be_kept(text))
		return;
	add_history(text);
	if (editor.history != NULL)
		append_history(1, editor.history);
}

static void
on_line(char *line)
{
	struct shell *s = editor.s;

	rl_callback_handler_remove();
	if (line == NULL) {
		putchar('\n');
		s->leave = true;
	} else {
		if (editor.pending.n != 0)
			buf_putc(&editor.pending, '\n');
		buf_puts(&editor.pending, line);
		if (!shell_text_is_open(buf_str(&editor.pending))) {
			remember(buf_str(&editor.pending));
			shell_text(s, buf_str(&editor.pending));
			explicit_bzero(editor.pending.p, editor.pending.n);
			buf_clear(&editor.pending);
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
		editor.s->leave = true;
		loop_stop(editor.s->c->loop);
	}
}

static void
on_interrupt(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	fputs("^C\n", rl_outstream);
	buf_clear(&editor.pending);
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
	loop_stop(editor.s->c->loop);
}

static char *
next_candidate(const char *text, int again)
{
	static size_t at;

	(void)text;
	if (again == 0)
		at = 0;
	return at < editor.candidates.n ? strdup(editor.candidates.v[at++]) : NULL;
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

		strv_add(&editor.candidates, whole);
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
	if (editor.s->resource != NULL)
		strv_add(&words, editor.s->resource);
	for (i = 0; i < l.words.n; i++)
		strv_add(&words, l.words.v[i]);
	strv_release(&editor.candidates);
	complete(editor.s->c, &words, text, &editor.candidates, &files);
	if (l.words.n == 0) {
		struct strv none = {0};

		if (editor.s->resource != NULL)
			complete(editor.s->c, &none, text, &editor.candidates, &files);
		for (i = 0; i < ARRAY_LEN(own); i++) {
			if (strncmp(own[i], text, strlen(text)) == 0)
				strv_add(&editor.candidates, own[i]);
		}
	} else if (l.words.n == 1 && strcmp(l.words.v[0], "use") == 0) {
		struct strv none = {0};

		complete(editor.s->c, &none, text, &editor.candidates, &files);
	}
	if (files)
		add_files(text);
	words_release(&l);
	strv_release(&words);
	free(before);
	rl_attempted_completion_over = 1;
	/* Names with blanks get their quotes. */
	rl_filename_completion_desired = 1;
	if (editor.candidates.n == 1 &&
	    strchr("=@", editor.candidates.v[0][strlen(editor.candidates.v[0]) - 1]) !=
		NULL)
		rl_completion_suppress_append = 1;
	return rl_completion_matches(text, next_candidate);
}

/* The history file gets its mode before it has any content. */
static void
open_history(void)
{
	struct err err = {0};
	char *dir = file_state_path("");
	int fd;

	if (dir != NULL)
		file_make_dir(dir, &err);
	free(dir);
	editor.history = file_state_path("history");
	fd = editor.history != NULL
	    ? open(editor.history, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
	    : -1;
	if (fd < 0 || fchmod(fd, 0600) != 0) {
		free(editor.history);
		editor.history = NULL;
	}
	if (fd >= 0)
		close(fd);
	using_history();
	stifle_history(HISTORY_MAX);
	if (editor.history != NULL) {
		read_history(editor.history);
		history_truncate_file(editor.history, HISTORY_MAX);
	}
}

static void
set_readline(void)
{
	rl_readline_name = "iotctl";
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_attempted_completion_function = on_tab;
	/* = @ and : do not end a word. */
	rl_completer_word_break_characters = (char *)(uintptr_t) " \t\n|";
	rl_completer_quote_characters = "'\"";
	rl_filename_quote_characters = " \t'\"\\|#";
	/* Pasted lines are one text until Enter is pressed. */
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
	editor.s = s;
	set_readline();
	open_history();
	failed = loop_signal(loop, SIGINT, on_interrupt, s, err) ||
	    loop_signal(loop, SIGWINCH, on_resize, s, err) ||
	    loop_signal(loop, SIGTERM, on_end, s, err) ||
	    loop_signal(loop, SIGHUP, on_end, s, err) ||
	    loop_fd_start(
		loop, &editor.keys, STDIN_FILENO, LOOP_READ, on_keys, NULL, err);
	if (!failed) {
		show_prompt();
		failed = loop_run(loop, err);
	}
	rl_callback_handler_remove();
	loop_fd_stop(&editor.keys);
	strv_release(&editor.candidates);
	buf_release(&editor.pending);
	free(editor.history);
	return failed ? -1 : 0;
}
