/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/values/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

/* The kinds of models; only for model*.c. */

/* `take` gets what stands behind "NAME:"; its -1 is told with `wants`, unless it set an error. */
struct model_kind {
	const char *name;
	const char *wants;
	int (*take)(struct model *m, const char *args, struct err *err);
	double (*value)(const struct model *m, const struct draw *draw, double *walk);
	const char *(*text)(const struct model *m, const struct draw *draw);
	bool bare; /* its arguments may be absent, with the colon */
};

enum { MODEL_KINDS_MOST = 16, MODEL_DECIMALS = 9 };

/* The first one is a constant: what any other text is. */
extern const struct model_kind model_kinds[];
extern const size_t model_kinds_count;

static double model_walk_on(const struct model *m, const struct draw *draw, double *walk);

/* splitmix64: small, and every state is a good one. */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15U;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
	return z ^ (z >> 31);
}

uint64_t
model_random_start(uint64_t seed, uint64_t n)
{
	uint64_t state = seed;

	state = next_random(&state) + n;
	return next_random(&state);
}

double
model_random_part(uint64_t *state)
{
	return (double)(next_random(state) >> 11) * 0x1p-53;
}

/* Adds a text to m->values, as JSON. */
static void
model_add_value(struct model *m, const char *text)
{
	struct buf b = {0};
	struct span value;

	if (json_check(span_of(text), &value, NULL))
		buf_span(&b, value);
	else
		json_put_string(&b, span_of(text));
	strv_add(&m->values, buf_str(&b));
	buf_release(&b);
}

static const struct model_kind *
find_kind(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < model_kinds_count; i++) {
		if (strlen(model_kinds[i].name) == n &&
		    strncmp(model_kinds[i].name, text, n) == 0 &&
		    (text[n] == ':' || model_kinds[i].bare))
			return &model_kinds[i];
	}
	return NULL;
}

/* A misspelt model would be published as text. */
static int
check_misspelt(const char *operand, const char *text, size_t n, struct err *err)
{
	const char *names[MODEL_KINDS_MOST + 1] = {0};
	char *word = xstrndup(text, n);
	const char *near;
	size_t i;

	for (i = 0; i < model_kinds_count; i++)
		names[i] = model_kinds[i].name;
	near = text[n] == ':' ? text_nearest(word, names) : NULL;
	free(word);
	return near == NULL
	    ? 0
	    : err_set(err, ERR_USAGE, _("'%s': did you mean '%s:'?"), operand, near);
}

int
model_parse(struct model *m, const char *operand, const char *text, struct err *err)
{
	size_t n = strcspn(text, ":");
	const struct model_kind *kind = find_kind(text, n);
	struct err why = {0};

	*m = (struct model){.kind = kind};
	if (kind == NULL) {
		m->kind = &model_kinds[0];
		if (check_misspelt(operand, text, n, err))
			return -1;
		model_add_value(m, text);
		return 0;
	}
	if (kind->take(m, text + n + (text[n] == ':'), &why) == 0)
		return 0;
	if (why.code != ERR_OK) {
		err_set(err, why.code, "%s", why.text);
		return err_in(err, "'%s'", operand);
	}
	return err_set(
	    err, ERR_USAGE, _("'%s': %s wants %s"), operand, kind->name, _(kind->wants));
}

void
model_release(struct model *m)
{
	strv_release(&m->values);
}

bool
model_walks(const struct model *m)
{
	return m->kind->value == model_walk_on;
}

/* As "%.*f", of what sensors measure: printf's own way costs a tenth of a message. */
static void
put_number(struct buf *out, double v, int decimals)
{
	static const double powers[MODEL_DECIMALS + 1] = {
	    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
	static const double most =
	    1e15; /* a double's whole numbers are exact up to here */
	const double scaled = fabs(v) * powers[decimals];
	uint64_t whole, unit = (uint64_t)powers[decimals], part;
	char digits[MODEL_DECIMALS + 1];
	int i;

	if (!(scaled < most)) {
		buf_printf(out, "%.*f", decimals, v);
		return;
	}
	whole = (uint64_t)llround(scaled);
	part = whole % unit;
	if (v < 0 && whole != 0)
		buf_putc(out, '-');
	buf_u64(out, whole / unit);
	for (i = decimals; i > 0; i--, part /= 10)
		digits[i] = (char)('0' + part % 10);
	digits[0] = '.';
	if (decimals > 0)
		buf_put(out, digits, (size_t)decimals + 1);
}

void
model_put(const struct model *m, struct buf *out, const struct draw *draw, double *walk)
{
	if (m->kind->text != NULL)
		buf_puts(out, m->kind->text(m, draw));
	else
		put_number(out, m->kind->value(m, draw, walk), m->decimals);
}

enum { LEAST_DECIMALS = 2, FILE_MOST = 64 << 20 };

static int
decimals_of(const char *number)
{
	const char *point = strchr(number, '.');
	size_t n = point != NULL ? strspn(point + 1, "0123456789") : 0;

	return n < MODEL_DECIMALS ? (int)n : MODEL_DECIMALS;
}

/* The part of a list before the next comma; *rest is NULL behind the last one. */
static char *
next_word(const char **rest)
{
	size_t n = strcspn(*rest, ",");
	char *word = xstrndup(*rest, n);

	*rest = (*rest)[n] == ',' ? *rest + n + 1 : NULL;
	return word;
}

static int
take_numbers(struct model *m, const char *args, size_t least, size_t most)
{
	bool good = true;

	while (good && args != NULL && m->n < most) {
		char *word = next_word(&args);

		good = text_double(word, &m->v[m->n++]);
		if (decimals_of(word) > m->decimals)
			m->decimals = decimals_of(word);
		free(word);
	}
	return good && args == NULL && m->n >= least ? 0 : -1;
}

/* What is measured has two decimals at least, whatever its limits were typed with. */
static int
take_measured(struct model *m, const char *args, size_t least, size_t most)
{
	m->decimals = LEAST_DECIMALS;
	return take_numbers(m, args, least, most);
}

static bool
is_range(double from, double to)
{
	return from <= to && isfinite(to - from);
}

static int
take_uniform(struct model *m, const char *args, struct err *err)
{
	(void)err;
	return take_measured(m, args, 2, 2) || !is_range(m->v[0], m->v[1]) ? -1 : 0;
}

static double
uniform(const struct model *m, const struct draw *draw, double *walk)
{
	(void)walk;
	return m->v[0] + model_random_part(draw->random) * (m->v[1] - m->v[0]);
}

static int
take_normal(struct model *m, const char *args, struct err *err)
{
	(void)err;
	return take_measured(m, args, 2, 2) || m->v[1] < 0 ? -1 : 0;
}

/* Box and Muller. */
static double
normal(const struct model *m, const struct draw *draw, double *walk)
{
	double radius = sqrt(-2 * log(1 - model_random_part(draw->random)));
	double angle = 2 * M_PI * model_random_part(draw->random);

	(void)walk;
	return m->v[0] + m->v[1] * radius * cos(angle);
}

static int
take_walk(struct model *m, const char *args, struct err *err)
{
	(void)err;
	if (take_measured(m, args, 2, 4) || m->n == 3 || m->v[1] < 0)
		return -1;
	if (m->n == 2) {
		m->v[2] = -HUGE_VAL;
		m->v[3] = HUGE_VAL;
		return 0;
	}
	return is_range(m->v[2], m->v[3]) && m->v[0] >= m->v[2] && m->v[0] <= m->v[3]
	    ? 0
	    : -1;
}

static double
model_walk_on(const struct model *m, const struct draw *draw, double *walk)
{
	double step;

	if (isnan(*walk))
		return *walk = m->v[0];
	step = (2 * model_random_part(draw->random) - 1) * m->v[1];
	/* Back from a wall, not along it. */
	if (*walk + step < m->v[2] || *walk + step > m->v[3])
		step = -step;
	*walk = fmin(fmax(*walk + step, m->v[2]), m->v[3]);
	return *walk;
}

/* Cuts the last word off a list. */
static int
take_period(struct model *m, const char *args, char **rest, struct err *err)
{
	const char *comma = strrchr(args, ',');

	if (comma == NULL ||
	    text_duration(comma + 1, _("the period"), &m->period, NULL) || m->period <= 0)
		return -1;
	(void)err;
	*rest = xstrndup(args, (size_t)(comma - args));
	return 0;
}

static int
take_sine(struct model *m, const char *args, struct err *err)
{
	char *numbers = NULL;
	int failed = take_period(m, args, &numbers, err) ||
	    take_measured(m, numbers, 2, 2) || !is_range(m->v[0], m->v[1]);

	free(numbers);
	return failed ? -1 : 0;
}

static double
sine(const struct model *m, const struct draw *draw, double *walk)
{
	double turn = (double)(draw->at % m->period) / (double)m->period;

	(void)walk;
	return (m->v[0] + m->v[1]) / 2 + (m->v[1] - m->v[0]) / 2 * sin(2 * M_PI * turn);
}

static int
take_choice(struct model *m, const char *args, struct err *err)
{
	(void)err;
	if (args == NULL || args[0] == '\0')
		return -1;
	while (args != NULL) {
		char *word = next_word(&args);

		model_add_value(m, word);
		free(word);
	}
	return 0;
}

static const char *
choice(const struct model *m, const struct draw *draw)
{
	return m->values
	    .v[(size_t)(model_random_part(draw->random) * (double)m->values.n)];
}

static int
take_step(struct model *m, const char *args, struct err *err)
{
	char *values = NULL;
	int failed = take_period(m, args, &values, err) || take_choice(m, values, err) ||
	    m->values.n != 2;

	free(values);
	return failed ? -1 : 0;
}

static const char *
step(const struct model *m, const struct draw *draw)
{
	return m->values.v[draw->at % m->period * 2 >= m->period];
}

static int
take_counter(struct model *m, const char *args, struct err *err)
{
	(void)err;
	m->v[1] = 1;
	return args[0] == '\0' ? 0 : take_numbers(m, args, 2, 2);
}

static double
counter(const struct model *m, const struct draw *draw, double *walk)
{
	(void)walk;
	return m->v[0] + m->v[1] * (double)draw->number;
}

static int
take_constant(struct model *m, const char *args, struct err *err)
{
	(void)err;
	model_add_value(m, args);
	return 0;
}

static const char *
constant(const struct model *m, const struct draw *draw)
{
	(void)draw;
	return m->values.v[0];
}

static int
add_line(void *arg, size_t number, char *line, struct err *err)
{
	(void)number;
	(void)err;
	if (line[0] != '\0')
		model_add_value(arg, line);
	return 0;
}

static int
read_lines(struct model *m, const char *path, struct err *err)
{
	FILE *in = fopen(path, "re");
	int failed;

	if (in == NULL)
		return err_sys(err, ERR_USAGE, _("cannot read '%s'"), path);
	failed = file_lines(in, path, add_line, m, err);
	fclose(in);
	return failed;
}

/* A column is named, or numbered from 1. */
static int
read_column(struct model *m, const char *path, const char *name, struct err *err)
{
	struct buf text = {0};
	struct csv table = {0};
	int64_t column = 0;
	size_t i;
	int failed = file_read(path, FILE_MOST, &text, err) ||
	    csv_read(&table, path, buf_as_span(&text), err);

	if (!failed) {
		column = csv_column(&table, name);
		if (column < 0 &&
		    text_int(name, 1, (int64_t)table.columns, "", &column, NULL) == 0)
			column--;
		if (column < 0)
			failed = err_set(err, ERR_USAGE,
			    _("'%s' has no column '%s': give one of its first line's "
			      "names, or a number from 1 to %zu"),
			    path, name, table.columns);
	}
	for (i = 0; !failed && i < table.n; i++)
		model_add_value(m, table.rows[i].cells[column]);
	csv_release(&table);
	buf_release(&text);
	return failed;
}

static int
take_file(struct model *m, const char *args, struct err *err)
{
	const char *colon = access(args, F_OK) != 0 ? strrchr(args, ':') : NULL;
	char *path =
	    xstrndup(args, colon != NULL ? (size_t)(colon - args) : strlen(args));
	int failed = colon != NULL ? read_column(m, path, colon + 1, err)
				   : read_lines(m, path, err);

	if (!failed && m->values.n == 0)
		failed = err_set(err, ERR_USAGE, _("'%s' has no values"), path);
	free(path);
	return failed;
}

static const char *
next_of_file(const struct model *m, const struct draw *draw)
{
	return m->values.v[draw->number % m->values.n];
}

const struct model_kind model_kinds[] = {
    {"constant", N_("a value, as in constant:21.5"), take_constant, NULL, constant,
	false},
    {"uniform", N_("two numbers, the smaller first, as in temperature=uniform:20,25"),
	take_uniform, uniform, NULL, false},
    {"normal", N_("a mean and a standard deviation, as in temperature=normal:21,0.5"),
	take_normal, normal, NULL, false},
    {"walk",
	N_("a start and the longest step, and perhaps limits around the start, as in "
	   "temperature=walk:21,0.2 or humidity=walk:50,1,0,100"),
	take_walk, model_walk_on, NULL, false},
    {"sine", N_("the least, the most and a period, as in temperature=sine:15,25,24h"),
	take_sine, sine, NULL, false},
    {"step", N_("two values and a period, as in door=step:open,closed,10m"), take_step,
	NULL, step, false},
    {"counter",
	N_("nothing, or a start and a step, as in pulses=counter or "
	   "energy=counter:1000,0.25"),
	take_counter, counter, NULL, true},
    {"choice", N_("values, as in mode=choice:off,heat,cool"), take_choice, NULL, choice,
	false},
    {"file",
	N_("a file with a value in each line, or a CSV file and its column, as in "
	   "temperature=file:day.csv:temperature"),
	take_file, NULL, next_of_file, false},
};

const size_t model_kinds_count = ARRAY_LEN(model_kinds);
