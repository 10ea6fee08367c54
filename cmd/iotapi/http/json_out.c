/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/json_out.h"

#include "base/json.h"
#include "base/text.h"

void
json_out_float(struct buf *out, double v)
{
	char text[32];

	text_from_double(text, v);
	buf_puts(out, text);
	if (strpbrk(text, ".e") == NULL)
		buf_puts(out, ".0");
}

void
json_out_int(struct buf *out, int64_t v)
{
	if (v < 0)
		buf_putc(out, '-');
	buf_u64(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
json_out_string(struct buf *out, const char *s)
{
	json_put_string(out, span_of(s));
}

void
json_out_comma(struct buf *out)
{
	char last = out->n != 0 ? out->p[out->n - 1] : '[';

	if (last != '{' && last != '[')
		buf_putc(out, ',');
}

void
json_out_key(struct buf *out, const char *key)
{
	json_out_comma(out);
	json_out_string(out, key);
	buf_putc(out, ':');
}

static void
json_out_array(struct buf *out, const json_t *list)
{
	size_t i;

	buf_putc(out, '[');
	for (i = 0; i < json_array_size(list); i++) {
		if (i != 0)
			buf_putc(out, ',');
		json_out_value(out, json_array_get(list, i));
	}
	buf_putc(out, ']');
}

static void
json_out_object(struct buf *out, const json_t *object)
{
	const char *name;
	json_t *v;

	buf_putc(out, '{');
	/* jansson iterates a const object through a non-const pointer only. */
	json_object_foreach ((json_t *)object, name, v) {
		json_out_key(out, name);
		json_out_value(out, v);
	}
	buf_putc(out, '}');
}

void
json_out_value(struct buf *out, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: json_out_object(out, v); break;
	case JSON_ARRAY: json_out_array(out, v); break;
	case JSON_STRING:
		json_put_string(
		    out, (struct span){json_string_value(v), json_string_length(v)});
		break;
	case JSON_INTEGER: json_out_int(out, json_integer_value(v)); break;
	case JSON_REAL: json_out_float(out, json_real_value(v)); break;
	case JSON_TRUE: buf_puts(out, "true"); break;
	case JSON_FALSE: buf_puts(out, "false"); break;
	default: buf_puts(out, "null");
	}
}
