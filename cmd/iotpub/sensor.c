/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { LEAST_DECIMALS = 2, MOST_DECIMALS = 9 };

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
sensor_random(uint64_t seed, uint64_t n)
{
	uint64_t state = seed;

	state = next_random(&state) + n;
	return next_random(&state);
}

static int
decimals_of(const char *number)
{
	const char *point = strchr(number, '.');
	size_t n = point != NULL ? strspn(point + 1, "0123456789") : 0;

	return n < LEAST_DECIMALS ? LEAST_DECIMALS
	    : n > MOST_DECIMALS   ? MOST_DECIMALS
				  : (int)n;
}

static int
take_uniform(struct sensor *s, const char *operand, const char *args, struct err *err)
{
	char *from = xstrdup(args);
	char *comma = strchr(from, ',');
	const char *to = comma != NULL ? comma + 1 : "";
	bool good;

	if (comma != NULL)
		*comma = '\0';
	good = text_double(from, &s->from) && text_double(to, &s->to) &&
	    s->from <= s->to && isfinite(s->to - s->from);
	s->decimals = decimals_of(from);
	if (decimals_of(to) > s->decimals)
		s->decimals = decimals_of(to);
	free(from);
	return good ? 0
		    : err_set(err, ERR_USAGE,
			  _("'%s': uniform wants two numbers, the smaller first, as in "
			    "temperature=uniform:20,25"),
			  operand);
}

/* A misspelt model would be published as text. */
static int
check_model(const char *operand, const char *value, struct err *err)
{
	static const char *const models[] = {"uniform", NULL};
	size_t n = strcspn(value, ":");
	char *word = xstrndup(value, n);
	const char *near = value[n] == ':' ? text_nearest(word, models) : NULL;

	free(word);
	return near == NULL
	    ? 0
	    : err_set(err, ERR_USAGE, _("'%s': did you mean '%s:'?"), operand, near);
}

static int
take_value(struct sensor *s, const char *operand, const char *text, struct err *err)
{
	struct span value;

	if (strncmp(text, "uniform:", 8) == 0)
		return take_uniform(s, operand, text + 8, err);
	if (check_model(operand, text, err))
		return -1;
	if (json_check(span_of(text), &value, NULL))
		buf_span(&s->json, value);
	else
		json_put_string(&s->json, span_of(text));
	return 0;
}

static int
take_key(
    struct sensors *l, struct sensor *s, const char *operand, size_t n, struct err *err)
{
	size_t i;

	if (n == 0)
		return err_set(err, ERR_USAGE,
		    _("'%s': a sensor's name must stand before '='"), operand);
	json_put_string(&s->key, (struct span){operand, n});
	for (i = 0; i + 1 < l->n; i++) {
		if (span_eq(buf_as_span(&l->v[i].key), buf_as_span(&s->key)))
			return err_set(err, ERR_USAGE, _("sensor '%.*s' is given twice"),
			    (int)n, operand);
	}
	return 0;
}

int
sensors_add(struct sensors *l, const char *operand, struct err *err)
{
	size_t n = strcspn(operand, "=");
	struct sensor *s;

	if (!text_is_utf8(operand, strlen(operand)))
		return err_set(err, ERR_USAGE, _("'%s' is no valid UTF-8"), operand);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	s = &l->v[l->n++];
	*s = (struct sensor){0};
	return take_key(l, s, operand, n, err) ||
		take_value(s, operand, operand + n + 1, err)
	    ? -1
	    : 0;
}

void
sensors_add_default(struct sensors *l)
{
	sensors_add(l, "temperature=uniform:20,30", NULL);
	sensors_add(l, "humidity=uniform:40,60", NULL);
}

void
sensors_release(struct sensors *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		buf_release(&l->v[i].key);
		buf_release(&l->v[i].json);
	}
	free(l->v);
	*l = (struct sensors){0};
}

void
sensor_put(const struct sensor *s, struct buf *out, uint64_t *random)
{
	double part;

	if (s->json.n != 0) {
		buf_span(out, buf_as_span(&s->json));
		return;
	}
	part = (double)(next_random(random) >> 11) * 0x1p-53;
	buf_printf(out, "%.*f", s->decimals, s->from + part * (s->to - s->from));
}
