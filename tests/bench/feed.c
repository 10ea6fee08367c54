/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Feeds a subscriber, reads its lines, and prints one line of figures: KEY=VALUE KEY=VALUE... */
#include "base/clock.h"
#include "base/strv.h"
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/opt.h"

enum { TICK_MS = 20, GRACE_MS = 10000, LINGER_MS = 1000 };

struct feed {
	struct feed_opts o;
	struct ledger l;
	struct lines r;
	struct wire *w;
	pid_t child;
	int pidfd;
	bool exited;
	int64_t begun, stalled_until, stopping;
	long rss_kib; /* the most memory, as far as it was asked before the end */
};

static const struct opt opts[] = {
    OPT_INT(struct feed_opts, messages, 'n', "messages", "N", 1, 10000000, "how many"),
    OPT_INT(struct feed_opts, qos, 'q', "qos", "LEVEL", 0, 2, "of the messages"),
    OPT_INT(struct feed_opts, window, 0, "window", "W", 1, 65535,
	"at most so many unacknowledged (default: what the subscriber allows)"),
    OPT_INT(struct feed_opts, rate, 0, "rate", "R", 1, 1000000,
	"so many a second, and measure from PUBLISH to line (default: as fast as they "
	"go)"),
    OPT_INT(struct feed_opts, lines, 0, "lines", "K", 1, 100, "lines a message"),
    OPT_FLAG(struct feed_opts, count, 0, "count",
	"count lines instead of looking which message each tells of: faster"),
    OPT_INT(struct feed_opts, from, 0, "from", "N", 1, 10000000,
	"look for no lines, and measure from acknowledgement N on"),
    OPT_STR(struct feed_opts, payload_name, 0, "payload", "KIND",
	"compact (default), guide-python, guide-esp32, mixture, escapes"),
    OPT_TIME(struct feed_opts, stall, 0, "stall", "TIME",
	"read no line for so long after SUBSCRIBE"),
    OPT_TIME(struct feed_opts, kill_after, 0, "kill-after", "TIME",
	"SIGKILL the command so long after the first PUBLISH"),
    OPT_TIME(
	struct feed_opts, idle, 0, "idle", "TIME", "give up when nothing comes (5s)"),
    OPT_TIME(struct feed_opts, limit, 0, "limit", "TIME", "give up after (60s)"),
    OPT_INT(struct feed_opts, big, 0, "big", "BYTES", 1, 268000000,
	"the first payload is so large; its line is not waited for"),
    OPT_FLAG(struct feed_opts, eager, 0, "eager", "send right behind CONNACK"),
    OPT_FLAG(struct feed_opts, session, 0, "session", "say that a session is present"),
    OPT_ENUM(struct feed_opts, tls, 0, "tls", "RECORDS", "none|full|packet",
	"TLS in records of 16 KiB, or one a packet"),
    OPT_STR(struct feed_opts, cert, 0, "cert", "FILE", "the certificate to show"),
    OPT_STR(struct feed_opts, key, 0, "key", "FILE", "its key"),
    OPT_STR(struct feed_opts, out, 0, "out", "FILE",
	"append the command's standard output here, instead of a pipe"),
    OPT_STR(struct feed_opts, found, 0, "found", "FILE",
	"look for lines here (default: the pipe, or the --out file)"),
    OPT_STR(struct feed_opts, state, 0, "state", "FILE",
	"go on where a former run with this file stopped, as a broker with a session "
	"does"),
    OPT_ASK(struct feed_opts, ask, 0, "help", "show this help", OPT_ASK_HELP),
    OPT_END,
};

static const struct program program = {
    .name = "feed",
    .section = 1,
    .brief = "a fake broker, and the reader of its subscriber",
    .usage = (const char *const[]){"[options] -- COMMAND [ARG with {port}]...", NULL},
    .examples =
	(const char *const[]){
	    "feed -n 100000 -q 1 -- mosquitto_sub -p {port} -q 1 -t '#' -F %j", NULL},
    .opts = opts,
};

int64_t
feed_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
feed_die(const char *what)
{
	fprintf(stderr, "feed: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
ns(int64_t ms)
{
	return ms * 1000000;
}

/* The command with its port filled in; what becomes of it is the caller's (strv_release). */
static struct strv
command_of(char **operand, size_t n, int port)
{
	struct strv command = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		char *mark = strstr(operand[i], "{port}");
		char *word = mark == NULL
		    ? xstrdup(operand[i])
		    : xasprintf("%.*s%d%s", (int)(mark - operand[i]), operand[i], port,
			  mark + 6);

		strv_add(&command, word);
		free(word);
	}
	return command;
}

static void
spawn(struct feed *f, const struct strv *command)
{
	char **argv = xcalloc(command->n + 1, sizeof(*argv));
	int ends[2] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	memcpy(argv, command->v, command->n * sizeof(*argv));
	if (f->o.out != NULL)
		ends[1] = open(f->o.out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	else if (pipe2(ends, O_CLOEXEC) != 0)
		feed_die("pipe");
	if (ends[1] < 0)
		feed_die(f->o.out);
	f->child = fork();
	if (f->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_DFL);
		dup2(null, STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		feed_die(argv[0]);
	}
	free(argv);
	close(null);
	close(ends[1]);
	f->pidfd = pidfd_open(f->child, 0);
	if (f->child < 0 || f->pidfd < 0)
		feed_die("fork");
	f->r.found = f->o.found != NULL ? f->o.found : f->o.out;
	f->r.fd = f->r.found == NULL ? ends[0] : -1;
	f->r.pipe = f->r.fd >= 0;
	if (ends[0] >= 0)
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/* The peak memory of the program itself: rusage would count what feed held when it forked. */
static void
ask_rss(struct feed *f)
{
	char path[32], line[128];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->child);
	in = fopen(path, "re");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			f->rss_kib = strtol(line + 6, NULL, 10);
	if (in != NULL)
		fclose(in);
}

static bool
complete(const struct feed *f)
{
	const struct ledger *l = &f->l;
	bool lines =
	    f->o.count ? l->lines >= l->n * (size_t)f->o.lines : l->whole == l->n;

	return (lines || f->o.from > 0) && wire_all_sent(f->w) &&
	    (f->o.qos == 0 || l->done == l->n);
}

static bool
stalled(const struct feed *f, int64_t now)
{
	return f->o.stall > 0 && (f->stalled_until == 0 || now < f->stalled_until) &&
	    !f->exited;
}

static void
stop(struct feed *f, int signo, int64_t now)
{
	ask_rss(f);
	kill(f->child, signo);
	f->stopping = now;
}

/* What the clock says. */
static void
tick(struct feed *f, int64_t now)
{
	int64_t last = f->l.last > f->stalled_until ? f->l.last : f->stalled_until;

	if (f->stalled_until == 0 && wire_subscribed(f->w))
		f->stalled_until = now + ns(f->o.stall);
	wire_check_keepalive(f->w);
	if (f->stopping != 0) {
		if (now - f->stopping > ns(GRACE_MS))
			kill(f->child, SIGKILL);
		return;
	}
	if (f->o.kill_after > 0 && f->l.first != 0 &&
	    now - f->l.first >= ns(f->o.kill_after))
		stop(f, SIGKILL, now);
	else if (complete(f) || now - f->begun > ns(f->o.limit) ||
	    (last != 0 && now - last > ns(f->o.idle)))
		stop(f, SIGTERM, now);
}

static void
wait_events(struct feed *f, struct pollfd *p)
{
	int64_t now = feed_now(), due = wire_due(f->w), wait = ns(TICK_MS);
	struct timespec t;

	if (due != 0 && due - now < wait)
		wait = due > now ? due - now : 0;
	t = (struct timespec){.tv_nsec = wait};
	p[0] = (struct pollfd){wire_listener(f->w), POLLIN, 0};
	p[1] = (struct pollfd){session_wire_fd(f->w), POLLIN, 0};
	if (session_wire_wants_write(f->w))
		p[1].events |= POLLOUT;
	p[2] = (struct pollfd){
	    f->r.pipe && !f->r.ended && !stalled(f, now) ? f->r.fd : -1, POLLIN, 0};
	p[3] = (struct pollfd){f->exited ? -1 : f->pidfd, POLLIN, 0};
	if (ppoll(p, 4, &t, NULL) < 0 && errno != EINTR)
		feed_die("poll");
}

static void
turn(struct feed *f)
{
	struct pollfd p[4];
	int64_t now;

	wait_events(f, p);
	if (p[0].revents != 0)
		wire_accept(f->w);
	else if (p[1].revents & ~POLLOUT)
		session_wire_read(f->w);
	now = feed_now();
	if (!stalled(f, now)) {
		if (!f->r.pipe || f->l.fresh_n > 0 || p[2].revents != 0)
			lines_drain(&f->r);
		lines_judge(&f->r);
	}
	session_wire_write(f->w);
	tick(f, now);
	if (p[3].revents != 0)
		f->exited = true;
}

/* What a dead subscriber left in the socket and in the pipe. */
static void
take_rest(struct feed *f)
{
	struct pollfd p;

	for (;;) {
		p = (struct pollfd){session_wire_fd(f->w), POLLIN, 0};
		if (p.fd < 0 || poll(&p, 1, LINGER_MS) <= 0)
			break;
		session_wire_read(f->w);
	}
	for (;;) {
		p = (struct pollfd){f->r.pipe ? f->r.fd : -1, POLLIN, 0};
		if (p.fd >= 0 && poll(&p, 1, LINGER_MS) <= 0)
			break;
		lines_drain(&f->r);
		if (!f->r.pipe || f->r.ended)
			break;
	}
	lines_judge(&f->r);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
lost(const struct feed *f)
{
	const struct ledger *l = &f->l;
	size_t i, n = 0;

	if (f->o.count)
		return l->handed > l->lines / (size_t)f->o.lines
		    ? l->handed - l->lines / (size_t)f->o.lines
		    : 0;
	for (i = 0; f->o.qos > 0 && i < l->n; i++)
		n += l->state[i] >= FEED_HANDED && l->seen[i] < f->o.lines;
	return n;
}

static void
report(struct feed *f, const struct rusage *u, int status)
{
	struct ledger *l = &f->l;
	size_t got = f->o.count ? l->lines / (size_t)f->o.lines : l->whole, pings, drops,
	       connects, from = (size_t)f->o.from;
	double seconds = l->last > l->first ? (double)(l->last - l->first) / 1e9 : 0;
	double cpu = (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
	    (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);

	if (from > 0)
		got = l->handed;
	wire_sums(f->w, &pings, &drops, &connects);
	printf("messages=%zu got=%zu lines=%zu missing=%zu dup=%zu odd=%zu acks=%zu "
	       "early=%zu lost=%zu "
	       "seconds=%.4f rate=%.0f cpu_us=%.4f rss_kib=%ld pings=%zu drops=%zu "
	       "connects=%zu",
	    l->n, got, l->lines, l->n > got ? l->n - got : 0, l->dup, l->odd, l->handed,
	    l->early, lost(f), seconds,
	    seconds > 0 && got > from ? (double)(got - from) / seconds : 0,
	    got > 0 ? cpu / (double)got : 0, f->rss_kib > 0 ? f->rss_kib : u->ru_maxrss,
	    pings, drops, connects);
	if (l->latencies > 0) {
		qsort(l->latency, l->latencies, sizeof(*l->latency), compare);
		printf(" p50_us=%u p99_us=%u", l->latency[l->latencies / 2],
		    l->latency[l->latencies * 99 / 100]);
	}
	printf(" status=%d\n",
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void
state_load(struct feed *f)
{
	FILE *in = f->o.state != NULL ? fopen(f->o.state, "re") : NULL;
	struct ledger *l = &f->l;
	size_t i;

	if (in == NULL)
		return;
	if (fread(l->state, 1, l->n, in) != l->n || fread(l->seen, 1, l->n, in) != l->n)
		feed_die(f->o.state);
	fclose(in);
	f->o.session = true;
	if (!f->r.pipe)
		memset(l->seen, 0, l->n);
	for (i = 0; i < l->n; i++) {
		l->handed += l->state[i] >= FEED_HANDED;
		l->done += l->state[i] == FEED_DONE;
		l->whole += l->seen[i] == f->o.lines;
	}
}

static void
state_save(const struct feed *f)
{
	FILE *out = f->o.state != NULL ? fopen(f->o.state, "we") : NULL;

	if (f->o.state == NULL)
		return;
	if (out == NULL || fwrite(f->l.state, 1, f->l.n, out) != f->l.n ||
	    fwrite(f->l.seen, 1, f->l.n, out) != f->l.n || fclose(out) != 0)
		feed_die(f->o.state);
}

static void
ledger_init(struct feed *f)
{
	struct ledger *l = &f->l;

	l->n = (size_t)f->o.messages;
	l->state = xcalloc(l->n, 1);
	l->seen = xcalloc(l->n, 1);
	l->fresh = xcalloc(l->n, sizeof(*l->fresh));
	if (f->o.rate > 0) {
		l->sent = xcalloc(l->n, sizeof(*l->sent));
		l->latency = xcalloc(l->n, sizeof(*l->latency));
	}
	state_load(f);
	if (f->o.big > 0) {
		l->seen[0] = (unsigned char)f->o.lines;
		l->whole++;
	}
}

static void
release(struct feed *f)
{
	struct ledger *l = &f->l;

	wire_free(f->w);
	buf_release(&f->r.rest);
	free(l->state);
	free(l->seen);
	free(l->sent);
	free(l->fresh);
	free(l->latency);
}

static void
feed(struct feed *f, char **operand, size_t n)
{
	struct strv command;
	struct rusage u;
	int port, status;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1);
	f->w = wire_new(&f->o, &f->l, &port);
	f->r.o = &f->o;
	f->r.l = &f->l;
	command = command_of(operand, n, port);
	spawn(f, &command);
	strv_release(&command);
	ledger_init(f);
	f->begun = feed_now();
	while (!f->exited)
		turn(f);
	take_rest(f);
	if (wait4(f->child, &status, 0, &u) != f->child)
		feed_die("wait");
	report(f, &u, status);
	state_save(f);
	release(f);
}

int
main(int argc, char **argv)
{
	static struct feed f = {
	    .o = {.messages = 1000, .lines = 1, .idle = 5000, .limit = 60000}};
	struct opt_set set;
	struct buf help = {0};
	struct err err = {0};
	int first;

	opt_init(&set, &program, &f.o);
	if (opt_parse(&set, argc, argv, &first, &err)) {
		fprintf(stderr, "feed: %s\n", err.text);
		return 2;
	}
	if (f.o.ask == OPT_ASK_HELP || first == argc) {
		opt_help(&set, &help);
		fwrite(help.p, 1, help.n, stdout);
		buf_release(&help);
	} else {
		f.o.payload = payloads_find(
		    f.o.payload_name != NULL ? f.o.payload_name : "compact");
		if (f.o.payload == NULL)
			feed_die(f.o.payload_name);
		feed(&f, argv + first, (size_t)(argc - first));
	}
	opt_release(&set);
	return f.o.ask != OPT_ASK_HELP && first == argc ? 2 : 0;
}
