/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef EXEC_SPAWN_H
#define EXEC_SPAWN_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "loop/loop.h"

/*
 * The one way to start another program. Every child begins with standard input, output and error and
 * no other descriptor, with each signal at its default action and none blocked. The rest depends on
 * what the child is to us.
 */
enum spawn_role {
	SPAWN_HANDLER, /* runs by itself: no secrets of ours, a process group of its own */
	SPAWN_PAGER,   /* a person's, on our terminal: no secrets, our process group (Ctrl-C, Ctrl-Z) */
	SPAWN_IOTCTL,  /* logs in for us: the REST API's secrets and no others, our process group */
	SPAWN_COMMAND, /* what a person typed into our shell: all variables, our process group */
};

struct spawn {
	enum spawn_role role;
	const char *path;       /* of the program; NULL: words[0] is looked for in PATH */
	char *const *words;     /* its name and arguments, ended by NULL */
	const struct strv *env; /* "NAME=VALUE", in place of ours of these names; NULL: none */
	int in;                 /* becomes its standard input; -1: /dev/null */
	int out;                /* becomes its standard output; STDOUT_FILENO: ours */
};

/* -1: errno says why. The caller keeps `in` and `out`, and waits for the child. */
int spawn_start(const struct spawn *s, pid_t *pid);

/* The file that execvp(3) would run for this name (free), or ERR_USAGE. */
int spawn_find(const char *name, char **path, struct err *err);

/* A SPAWN_HANDLER that the loop watches. The zero value runs nothing. */
struct spawn_child {
	pid_t pid; /* 0: none runs */
	int pid_fd;
	struct loop_fd watch;
	void (*ended)(void *arg, const siginfo_t *info);
	void *arg;
};

/* Starts it; ended(arg, info) on the loop when it has exited and been waited for, with waitid(2)'s
 * si_code and si_status. -1: errno says why, and nothing runs. */
int spawn_child_start(struct spawn_child *c, const struct spawn *s, struct loop *loop,
    void (*ended)(void *arg, const siginfo_t *info), void *arg);
/* Sends a signal to its process group. */
void spawn_child_signal(const struct spawn_child *c, int signo);
/* Kills its process group, waits for it, and tells nobody. */
void spawn_child_kill(struct spawn_child *c);

#endif
