/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/config.h"

#ifndef IOT_LOCALEDIR
#define IOT_LOCALEDIR "/usr/local/share/locale"
#endif

/* What we open first would get the number of one that was closed before us, and lines for standard output
 * would go into it. This way reading and writing there fail as they would have. */
static void
hold_closed_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

/* A core dump holds secrets: only who asks for it, to look into a crash, gets one. */
static bool
wants_core(void)
{
	const char *core = getenv("IOT_CORE");

	return core != NULL && strcmp(core, "1") == 0;
}

/* The language of texts and the encoding of terminals. Numbers keep their point, sorting and dates their form: what
 * programs read is the same everywhere. A translator tries a catalogue where it was built (IOT_LOCALEDIR). */
static void
start_language(void)
{
	const char *dir = getenv("IOT_LOCALEDIR");

	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	bindtextdomain("iot-utils", dir != NULL ? dir : IOT_LOCALEDIR);
	textdomain("iot-utils");
}

static void
start_process(const char *name)
{
	const struct rlimit none = {0, 0};

	hold_closed_descriptors();
	start_language();
	/* Readers that have left, and files that reach their limit, are errors of write(2). */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!wants_core())
		setrlimit(RLIMIT_CORE, &none);
	log_init(name, LOG_WARN);
}

/* Without what a program does at its end: the child has no output. */
static void
be_child(const struct program *program, const char *name)
{
	if (program->child == NULL || name == NULL ||
	    strcmp(name, program->child_name) != 0)
		return;
	program->child();
	_exit(0);
}

static void
answer_with(const struct opt_set *set, int ask, struct buf *answer)
{
	static void (*const writers[])(const struct opt_set *, struct buf *) = {
	    [OPT_ASK_HELP] = opt_help,
	    [OPT_ASK_VERSION] = opt_version,
	    [OPT_ASK_SPEC] = opt_spec,
	};

	writers[ask](set, answer);
}

int
program_start(struct opt_set *set, const struct program *program, void *base,
    struct common *common, int argc, char **argv, int *first, struct buf *answer,
    struct err *err)
{
	start_process(program->name);
	be_child(program, argv[0]);
	opt_init(set, program, base);
	if (opt_parse(set, argc, argv, first, err))
		return -1;
	if (common->ask != OPT_ASK_NOTHING) {
		answer_with(set, common->ask, answer);
		return 0;
	}
	if (config_load(set, common, err) || opt_check_needs(set, err))
		return -1;
	log_init(program->name,
	    common->quiet              ? LOG_QUIET
		: common->verbose > 1  ? LOG_DEBUG
		: common->verbose == 1 ? LOG_INFO
				       : LOG_WARN);
	return 0;
}

/* Of a write that failed long ago stdio keeps no reason, but a pipe without a reader says so for ever. */
static bool
reader_left(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

/* A reader that left is not an error: `iotctl ... | head` ends with 0. */
static void
write_stdout(const struct buf *answer, struct err *err)
{
	bool lost = ferror(stdout) != 0, left = reader_left();

	errno = 0;
	lost |= answer->n > 0 && fwrite(answer->p, 1, answer->n, stdout) < answer->n;
	lost |= fclose(stdout) != 0;
	if (!lost || left || errno == EPIPE || err->code != ERR_OK)
		return;
	if (errno != 0)
		err_sys(err, ERR_OUTPUT, _("cannot write to standard output"));
	else
		err_set(err, ERR_OUTPUT, _("cannot write to standard output"));
}

int
program_end(struct opt_set *set, struct buf *answer, struct err *err)
{
	int status;

	write_stdout(answer, err);
	log_err(err);
	status = (int)err->code;
	if (status == ERR_USAGE && set->program != NULL &&
	    set->program->usage_status != 0)
		status = set->program->usage_status;
	opt_release(set);
	buf_release(answer);
	if (status > ERR_SIGNAL) {
		signal(status - ERR_SIGNAL, SIG_DFL);
		raise(status - ERR_SIGNAL);
	}
	return status;
}
