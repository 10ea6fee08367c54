/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "iotpub/values/model_int.h"

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

double
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
	long column = 0;
	size_t i;
	int failed = file_read(path, FILE_MOST, &text, err) ||
	    csv_read(&table, path, buf_as_span(&text), err);

	if (!failed) {
		column = csv_column(&table, name);
		if (column < 0 &&
		    text_int(name, 1, (long)table.columns, "", &column, NULL) == 0)
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
