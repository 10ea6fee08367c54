/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/values/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotpub/values/model_int.h"

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

void
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
