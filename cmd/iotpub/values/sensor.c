/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/values/sensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

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

	if (!utf8_is_valid(operand, strlen(operand)))
		return err_set(err, ERR_USAGE, _("'%s' is no valid UTF-8"), operand);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	s = &l->v[l->n++];
	*s = (struct sensor){0};
	return take_key(l, s, operand, n, err) ||
		model_parse(&s->model, operand, operand + n + 1, err)
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
		model_release(&l->v[i].model);
	}
	free(l->v);
	*l = (struct sensors){0};
}

double *
sensors_walks(const struct sensors *l)
{
	double *walks = NULL;
	size_t i, j;

	for (i = 0; walks == NULL && i < l->n; i++) {
		if (!model_walks(&l->v[i].model))
			continue;
		walks = xcalloc(l->n, sizeof(*walks));
		for (j = 0; j < l->n; j++)
			walks[j] = NAN;
	}
	return walks;
}

void
sensor_put(const struct sensors *l, size_t i, struct buf *out, const struct draw *draw)
{
	model_put(
	    &l->v[i].model, out, draw, draw->walks != NULL ? &draw->walks[i] : NULL);
}
