/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotstatus/watch/screen.h"

#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "loop/writer.h"

enum { ROWS_MOST = 500, COLUMNS_MOST = 1000 };

struct cell {
	uint32_t cp;
	uint8_t style;
};

struct screen {
	int rows, columns;
	struct cell *now, *shown;
	bool utf8, colour;
	bool taken;  /* the terminal must be, before the next picture */
	bool clear;  /* so must what is on it */
	bool missed; /* a picture, while the last one was on its way */
	struct writer *writer;
	struct writer_job job;
	struct buf out; /* of a picture on its way */
	void (*room)(void *arg);
	void *arg;
};

/* Plain style, an empty screen (terminals that were resized meanwhile keep parts of it), the cursor, and
 * out of the alternate screen. */
static const char give_back[] = "\033[0m\033[2J\033[?25h\033[?1049l";
static const char take[] = "\033[?1049h\033[?25l";
static const char clear[] = "\033[0m\033[2J";

/* What a signal handler and atexit need to give the terminal back. */
static struct {
	struct termios old;
	bool has_old;
	const struct writer *writer;
	volatile sig_atomic_t taken;
} tty;

/* Of a terminal that was stopped (Ctrl-S) only flow control turned off makes it take bytes again, as Linux has
 * it. One that still takes none keeps what is on it: nobody waits. Safe in a signal handler. */
static void
restore(void)
{
	const char *p = give_back, *end = p + sizeof(give_back) - 1;
	struct termios flowing = tty.old;
	ssize_t n;

	if (!tty.taken)
		return;
	tty.taken = 0;
	flowing.c_iflag &= ~(tcflag_t)IXON;
	if (tty.has_old)
		tcsetattr(STDIN_FILENO, TCSANOW, &flowing);
	while (p < end && (n = writer_write(tty.writer, p, (size_t)(end - p))) > 0)
		p += n;
	if (tty.has_old)
		tcsetattr(STDIN_FILENO, TCSANOW, &tty.old);
}

static void
on_fatal(int signo)
{
	restore();
	signal(signo, SIG_DFL);
	raise(signo);
}

static void
enter(struct screen *s)
{
	struct termios raw;

	if (tty.taken)
		return;
	s->taken = true;
	tty.writer = s->writer;
	tty.has_old = tcgetattr(STDIN_FILENO, &tty.old) == 0;
	tty.taken = 1;
	if (tty.has_old) {
		raw = tty.old;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
}

bool
screen_is_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
	    strcmp(term, "dumb") != 0;
}

struct screen *
screen_open(struct loop *loop, void (*room)(void *arg), void *arg, struct err *err)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT};
	static const struct writer_opts out = {.name = "terminal"};
	const char *no_color = getenv("NO_COLOR");
	struct screen *s = xcalloc(1, sizeof(*s));
	size_t i;

	if (writer_open(&s->writer, loop, STDOUT_FILENO, &out, err)) {
		free(s);
		return NULL;
	}
	if (atexit(restore) != 0) {
		screen_close(s);
		err_set(err, ERR_FAILED, _("cannot give the terminal back at exit"));
		return NULL;
	}
	for (i = 0; i < ARRAY_LEN(fatal); i++)
		signal(fatal[i], on_fatal);
	s->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	s->colour = no_color == NULL || no_color[0] == '\0';
	s->room = room;
	s->arg = arg;
	screen_enter(s);
	return s;
}

void
screen_close(struct screen *s)
{
	if (s == NULL)
		return;
	restore();
	writer_free(s->writer);
	free(s->now);
	free(s->shown);
	buf_release(&s->out);
	free(s);
}

void
screen_leave(struct screen *s)
{
	writer_cancel(s->writer, &s->job);
	restore();
}

void
screen_enter(struct screen *s)
{
	enter(s);
	screen_resize(s);
}

static int
within(int n, int least, int most)
{
	return n < least ? least : n > most ? most : n;
}

static void
measure(int *rows, int *columns)
{
	struct winsize w = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	*rows = within(w.ws_row, 1, ROWS_MOST);
	*columns = within(w.ws_col, 1, COLUMNS_MOST);
}

bool
screen_size_changed(const struct screen *s)
{
	int rows, columns;

	measure(&rows, &columns);
	return rows != s->rows || columns != s->columns;
}

void
screen_resize(struct screen *s)
{
	size_t cells;

	measure(&s->rows, &s->columns);
	cells = (size_t)s->rows * (size_t)s->columns;
	free(s->now);
	free(s->shown);
	s->now = xcalloc(cells, sizeof(*s->now));
	s->shown = xcalloc(cells, sizeof(*s->shown));
	s->clear = true;
	screen_begin(s);
}

int
screen_rows(const struct screen *s)
{
	return s->rows;
}

int
screen_columns(const struct screen *s)
{
	return s->columns;
}

bool
screen_is_utf8(const struct screen *s)
{
	return s->utf8;
}

void
screen_begin(struct screen *s)
{
	size_t i, n = (size_t)s->rows * (size_t)s->columns;

	for (i = 0; i < n; i++)
		s->now[i] = (struct cell){' ', STYLE_PLAIN};
}

/* One column a cell: what is wider, or has no width, is shown as one that has. */
static uint32_t
fit(const struct screen *s, uint32_t cp)
{
	if (cp < 0x80)
		return utf8_is_harmless(cp) ? cp : '?';
	return s->utf8 && utf8_is_harmless(cp) && wcwidth((wchar_t)cp) == 1 ? cp : '?';
}

int
screen_put(
    struct screen *s, int row, int column, int width, enum style style, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);
	int end = column + width < s->columns ? column + width : s->columns;

	if (row < 0 || row >= s->rows || column < 0)
		return column;
	for (; left > 0 && column < end; column++) {
		uint32_t cp = '?';
		size_t n = utf8_read(p, left, &cp);

		s->now[row * s->columns + column] =
		    (struct cell){n > 0 ? fit(s, cp) : '?', (uint8_t)style};
		n = n > 0 ? n : 1;
		p += n;
		left -= n;
	}
	return column;
}

int
screen_printf(struct screen *s, int row, int column, int width, enum style style,
    const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return screen_put(s, row, column, width, style, text);
}

static void
put_cp(struct buf *out, uint32_t cp)
{
	if (cp < 0x80) {
		buf_putc(out, (char)cp);
	} else if (cp < 0x800) {
		buf_putc(out, (char)(0xC0 | cp >> 6));
		buf_putc(out, (char)(0x80 | (cp & 0x3F)));
	} else if (cp < 0x10000) {
		buf_putc(out, (char)(0xE0 | cp >> 12));
		buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3F)));
		buf_putc(out, (char)(0x80 | (cp & 0x3F)));
	} else {
		buf_putc(out, (char)(0xF0 | cp >> 18));
		buf_putc(out, (char)(0x80 | (cp >> 12 & 0x3F)));
		buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3F)));
		buf_putc(out, (char)(0x80 | (cp & 0x3F)));
	}
}

static const char *
style_code(const struct screen *s, uint8_t style)
{
	static const char *const codes[STYLES][2] = {
	    [STYLE_PLAIN] = {"0", "0"},
	    [STYLE_BOLD] = {"0;1", "0;1"},
	    [STYLE_REVERSE] = {"0;7", "0;7"},
	    [STYLE_GOOD] = {"0", "0;32"},
	    [STYLE_BAD] = {"0;1", "0;1;31"},
	    [STYLE_DOUBT] = {"0", "0;33"},
	    [STYLE_DIM] = {"0", "0;2"},
	};

	return codes[style][s->colour];
}

/* What is on its way is on the screen as soon as anything behind it is. */
static void
put_changes(struct screen *s)
{
	int at_row = -1, at_column = -1, style = -1, row, column;

	for (row = 0; row < s->rows; row++) {
		for (column = 0; column < s->columns; column++) {
			struct cell *now = &s->now[row * s->columns + column];
			struct cell *shown = &s->shown[row * s->columns + column];

			if (now->cp == shown->cp && now->style == shown->style)
				continue;
			if (row != at_row || column != at_column)
				buf_printf(&s->out, "\033[%d;%dH", row + 1, column + 1);
			if (now->style != style)
				buf_printf(
				    &s->out, "\033[%sm", style_code(s, now->style));
			put_cp(&s->out, now->cp);
			style = now->style;
			at_row = row;
			at_column = column + 1;
			*shown = *now;
		}
	}
}

/* A terminal that is gone is told of by screen_flush. */
static void
on_written(void *arg, const struct err *why)
{
	struct screen *s = arg;

	(void)why;
	if (s->missed)
		s->room(s->arg);
	s->missed = false;
}

int
screen_flush(struct screen *s)
{
	s->missed = s->job.queued;
	if (!s->missed) {
		buf_clear(&s->out);
		if (s->taken)
			buf_puts(&s->out, take);
		if (s->clear)
			buf_puts(&s->out, clear);
		s->taken = s->clear = false;
		put_changes(s);
		writer_put(s->writer, &s->job, buf_as_span(&s->out), on_written, s);
	}
	return isatty(STDOUT_FILENO) ? 0 : -1;
}
