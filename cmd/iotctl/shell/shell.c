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

/* What a word has only in quotes. */
#define SPECIAL " \t'\"\\|#"

/* readline knows no argument for its callbacks: there is one terminal. */
static struct editor {
	struct shell *s;
	struct loop_fd keys;
	char *history;
	struct buf pending;     /* lines before one that closes the quote */
	struct strv candidates; /* for the word that the cursor is in */
	size_t kept;            /* what of it readline does not replace */
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
	return at < editor.candidates.n ? strdup(editor.candidates.v[at++] + editor.kept)
					: NULL;
}

/* Takes the line apart up to `end`: the words before, and what there is of the one that may go on there, both
 * without their quotes (release, free). False, and nothing: there is a pipe or a comment. */
static bool
take_apart(int end, struct strv *before, char **word)
{
	/* The mark makes a word of what may be none yet. */
	char *text =
	    xasprintf("%s\n%.*sX", buf_str(&editor.pending), end, rl_line_buffer);
	struct words l;
	size_t i;

	words_split(text, &l);
	*word = NULL;
	if (*l.rest == '\0') {
		for (i = 0; i + 1 < l.words.n; i++)
			strv_add(before, l.words.v[i]);
		*word = xstrndup(l.words.v[i], strlen(l.words.v[i]) - 1);
	}
	words_release(&l);
	explicit_bzero(text, strlen(text));
	free(text);
	return *word != NULL;
}

/* `before` has the resource of `use` at its front, if there is one. */
static void
add_candidates(const struct strv *before, const char *word)
{
	static const char *const own[] = {"use", "exit"};
	const char *resource = editor.s->resource;
	const struct strv none = {0};
	size_t said = before->n - (resource != NULL);
	size_t i;

	complete(editor.s->c, before, word, &editor.candidates);
	if ((said == 0 && resource != NULL) ||
	    (said == 1 && strcmp(before->v[before->n - 1], "use") == 0))
		complete(editor.s->c, &none, word, &editor.candidates);
	for (i = 0; said == 0 && i < ARRAY_LEN(own); i++) {
		if (strncmp(own[i], word, strlen(word)) == 0)
			strv_add(&editor.candidates, own[i]);
	}
}

/* readline replaces `text`, the line from `start` to `end`: a word, or what is behind its last quote. */
static char **
on_tab(const char *text, int start, int end)
{
	struct strv before = {0}, unused = {0};
	char *word = NULL, *kept = NULL;
	size_t n;

	strv_release(&editor.candidates);
	if (editor.s->resource != NULL)
		strv_add(&before, editor.s->resource);
	if (take_apart(start, &unused, &kept) && take_apart(end, &before, &word)) {
		editor.kept = strlen(kept);
		add_candidates(&before, word);
		rl_attempted_completion_over = 1;
	}
	n = editor.candidates.n == 1 ? strlen(editor.candidates.v[0]) : 0;
	if (n > 0 && strchr("=@/", editor.candidates.v[0][n - 1]) != NULL)
		rl_completion_suppress_append = rl_completion_suppress_quote = 1;
	/* Or nothing would be quoted. */
	rl_filename_completion_desired = 1;
	strv_release(&before);
	strv_release(&unused);
	free(word);
	free(kept);
	return rl_completion_matches(text, next_candidate);
}

/* Whether a quote or a backslash is before line[at] that it does not stand without. */
static int
is_quoted(char *line, int at)
{
	char quote = '\0';
	int i;

	for (i = 0; i < at; i++) {
		if (line[i] == '\\' && quote != '\'')
			i++;
		else if (quote == '\0' && strchr("'\"", line[i]) != NULL)
			quote = line[i];
		else if (line[i] == quote)
			quote = '\0';
	}
	return i > at || quote != '\0';
}

/* What goes into the line for `text`, which has characters that need it; `quote` is the one that is open, which
 * readline takes away then and closes behind the only candidate, but not where a quote stands there already. */
static char *
quote_match(char *text, int type, char *quote)
{
	struct buf out = {0};

	if (*quote != '\0')
		buf_putc(&out, *quote);
	for (; *text != '\0'; text++) {
		if (*quote == '\'' && *text == '\'')
			buf_puts(&out, "'\\'");
		else if (*quote == '"' ? strchr("\"\\", *text) != NULL
				       : *quote == '\0' && strchr(SPECIAL, *text) != NULL)
			buf_putc(&out, '\\');
		buf_putc(&out, *text);
	}
	if (*quote != '\0' && type == SINGLE_MATCH && out.p[out.n - 1] == *quote)
		buf_putc(&out, *quote);
	return buf_steal(&out);
}

/* A name is no directory's because there happens to be one that is called so. */
static int
no_directory(char **name)
{
	**name = '\0';
	return 1;
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
	rl_filename_quote_characters = SPECIAL;
	rl_filename_quoting_function = quote_match;
	rl_filename_stat_hook = no_directory;
	rl_char_is_quoted_p = is_quoted;
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
