/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the shell does with a line: its own words, else a process of its own, with a pager or a pipe. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "exec/spawn.h"
#include "iotctl/command.h"
#include "iotctl/login/settings.h"
#include "iotctl/shell/names_cache.h"
#include "iotctl/shell/shell.h"
#include "iotctl/shell/words.h"

enum { NO_COMMAND = 127 };

bool
shell_text_is_open(const char *text)
{
	struct words l;
	bool open;

	words_split(text, &l);
	open = l.open;
	words_release(&l);
	return open;
}

/* After `use broker`, "list" is "broker list". */
static bool
is_left_out(const struct shell *s, const char *word)
{
	struct strv next = {0};
	bool left_out = false;
	size_t i;

	if (s->resource == NULL)
		return false;
	command_next(s->resource, &next);
	for (i = 0; i < next.n; i++)
		left_out |= strcmp(next.v[i], command_verb(word)) == 0;
	strv_release(&next);
	return left_out;
}

static void
whole_command(const struct shell *s, const struct strv *words, struct strv *out)
{
	size_t i;

	for (i = 0; i < s->argv.n; i++)
		strv_add(out, s->argv.v[i]);
	if (s->context != NULL) {
		strv_add(out, "--context");
		strv_add(out, s->context);
	}
	if (is_left_out(s, words->v[0]))
		strv_add(out, s->resource);
	for (i = 0; i < words->n; i++)
		strv_add(out, words->v[i]);
}

/* Those that only show go through a pager, which lets a short text pass. */
static bool
only_shows(const struct strv *words)
{
	size_t i;

	for (i = 0; i < words->n && i < 2; i++) {
		if (command_only_shows(words->v[i]))
			return true;
	}
	return false;
}

static const char *
pager_of(const struct shell *s, const struct strv *words)
{
	const char *pager = getenv("PAGER");

	if (!s->terminal || !only_shows(words))
		return NULL;
	if (pager != NULL && pager[0] == '\0')
		return NULL;
	return pager != NULL ? pager : access("/usr/bin/less", X_OK) == 0 ? "less" : NULL;
}

/* The reader of our output, a command of the system's shell; its standard input is `from`. */
static pid_t
start_reader(const char *command, int from, enum spawn_role role)
{
	static char *const less[] = {"LESSSECURE=1", "LESS=-FX"};
	const struct strv pager_env = {(char **)less, getenv("LESS") != NULL ? 1 : 2};
	const char *const words[] = {"sh", "-c", command, NULL};
	const struct spawn reader = {.role = role,
	    .path = "/bin/sh",
	    .words = (char *const *)words,
	    .env = role == SPAWN_PAGER ? &pager_env : NULL,
	    .in = from,
	    .out = STDOUT_FILENO};
	pid_t pid;

	return spawn_start(&reader, &pid) == 0 ? pid : -1;
}

/* The lines that follow are the shell's. stdio would put what it read ahead back into the file, which
 * is the shell's too. */
static void
take_stdin_away(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	__fpurge(stdin);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		_exit(NO_COMMAND);
	close(fd);
}

/* A fork without exec: a command runs as if main had been called with it, in a process that may fail.
 * `to` is the pipe to its reader, or -1s; holding the reading end it would not see the reader leave. */
_Noreturn static void
be_command(
    const struct shell *s, const struct strv *words, const int *to, bool for_person)
{
	struct strv argv = {0};

	loop_unblock_signals();
	if (to[1] >= 0) {
		dup2(to[1], STDOUT_FILENO);
		close(to[1]);
		close(to[0]);
	}
	if (!s->terminal)
		take_stdin_away();
	whole_command(s, words, &argv);
	exit(s->run((int)argv.n, argv.v, s->c->set, for_person));
}

static int
status_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Ctrl-C was for the command; it is not to clear the next line too. */
static void
forget_interrupt(void)
{
	struct timespec now = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	while (sigtimedwait(&set, NULL, &now) == SIGINT)
		;
}

static int
run_words(struct shell *s, const struct words *l)
{
	const char *pager = pager_of(s, &l->words);
	const char *reader = l->pipe != NULL ? l->pipe : pager;
	int ends[2] = {-1, -1};
	pid_t command, other = -1;
	int status;

	if (reader != NULL && pipe2(ends, O_CLOEXEC) != 0)
		reader = NULL;
	fflush(NULL);
	if (reader != NULL)
		other = start_reader(
		    reader, ends[0], l->pipe != NULL ? SPAWN_COMMAND : SPAWN_PAGER);
	command = fork();
	if (command == 0)
		be_command(s, &l->words, ends, reader != NULL && reader == pager);
	if (reader != NULL) {
		close(ends[0]);
		close(ends[1]);
	}
	status = command > 0 ? status_of(command) : NO_COMMAND;
	if (other > 0)
		status_of(other);
	if (s->terminal && !only_shows(&l->words))
		names_cache_forget(s->c);
	forget_interrupt();
	return status;
}

static int
use(struct shell *s, const struct strv *words)
{
	const struct schema_resource *r = words->n > 1 ? schema_find(words->v[1]) : NULL;
	struct err err = {0};

	if (words->n < 2) {
		free(s->resource);
		s->resource = NULL;
		return 0;
	}
	if (r != NULL) {
		free(s->resource);
		s->resource = xstrdup(r->name);
		return 0;
	}
	if (settings_need_context(s->c, words->v[1], &err)) {
		log_error(
		    _("use: '%s' is neither a resource nor a context"), words->v[1]);
		return ERR_USAGE;
	}
	free(s->context);
	s->context = xstrdup(words->v[1]);
	return 0;
}

static int
run_split(struct shell *s, const struct words *l)
{
	const char *first = l->words.v[0];

	if (l->open) {
		log_error(_("a quote is not closed"));
		return ERR_USAGE;
	}
	if (strcmp(first, "exit") == 0 || strcmp(first, "quit") == 0) {
		s->leave = true;
		return 0;
	}
	if (strcmp(first, "use") == 0)
		return use(s, &l->words);
	return run_words(s, l);
}

static int
run_one(struct shell *s, const char *text)
{
	struct words l;
	int status = 0;

	words_split(text, &l);
	if (l.words.n != 0) {
		s->run_count++;
		status = run_split(s, &l);
	}
	words_release(&l);
	if (status != 0) {
		s->failed++;
		s->status = status;
	}
	return status;
}

char *
shell_next_command(const char **text, size_t *lines)
{
	struct buf one = {0};

	*lines = 0;
	do {
		size_t n = strcspn(*text, "\n");

		if (one.n != 0)
			buf_putc(&one, '\n');
		buf_put(&one, *text, n);
		++*lines;
		*text += n + ((*text)[n] == '\n');
	} while (**text != '\0' && shell_text_is_open(buf_str(&one)));
	return buf_steal(&one);
}

int
shell_text(struct shell *s, const char *text)
{
	int status = 0;

	while (*text != '\0' && !s->leave && (status == 0 || s->keep_going)) {
		size_t lines, first = s->number + 1;
		char *one = shell_next_command(&text, &lines);
		int now = run_one(s, one);

		s->number += lines;
		if (now != 0) {
			status = now;
			if (!s->terminal)
				log_error(
				    _("line %zu failed with status %d"), first, now);
		}
		explicit_bzero(one, strlen(one));
		free(one);
	}
	return status;
}

/* What a line of standard input has without its end; at its beginning Windows editors put a mark. */
static struct span
line_text(const struct shell *s, const char *line, size_t n)
{
	n -= n > 0 && line[n - 1] == '\n';
	n -= n > 0 && line[n - 1] == '\r';
	return s->number == 0 ? encoding_skip_mark((struct span){line, n})
			      : (struct span){line, n};
}

/* The next command of standard input, which may have several lines; false at its end. */
static bool
read_command(const struct shell *s, struct buf *text)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	buf_clear(text);
	do {
		n = getline(&line, &room, stdin);
		if (n > 0 && text->n != 0)
			buf_putc(text, '\n');
		if (n > 0)
			buf_span(text, line_text(s, line, (size_t)n));
	} while (n > 0 && text->n != 0 && shell_text_is_open(buf_str(text)));
	free(line);
	return n > 0 || text->n != 0;
}

int
shell_script(struct shell *s, struct err *err)
{
	struct buf text = {0};

	while (!s->leave && (s->failed == 0 || s->keep_going) && read_command(s, &text)) {
		buf_putc(&text, '\n');
		shell_text(s, buf_str(&text));
	}
	buf_release(&text);
	if (s->failed == 0)
		return 0;
	if (s->keep_going)
		return err_set(err, ERR_FAILED,
		    P_("%zu of %zu command failed", "%zu of %zu commands failed",
			s->run_count),
		    s->failed, s->run_count);
	err->code = (enum err_code)s->status;
	return -1;
}

char *
shell_prompt(const struct shell *s)
{
	const char *context =
	    s->context != NULL ? s->context : s->c->args->common.context;
	bool both = context != NULL && s->resource != NULL;

	return xasprintf("%s%s%s> ", context != NULL ? context : "", both ? ":" : "",
	    s->resource != NULL   ? s->resource
		: context == NULL ? "iotctl"
				  : "");
}

void
shell_release(struct shell *s)
{
	strv_release(&s->argv);
	free(s->resource);
	free(s->context);
}
