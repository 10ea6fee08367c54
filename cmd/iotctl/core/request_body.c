/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request bodies as text. jansson's own printer would turn 0.1 into 0.10000000000000001. */
#include "iotctl/core/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

static bool
is_masked(const struct schema_resource *mask, const char *key, json_t *value)
{
	const struct schema_field *f = mask != NULL ? schema_field(mask, key) : NULL;

	return f != NULL && (f->flags & SCHEMA_WRITE_ONLY) != 0 && !json_is_null(value);
}

static void
put_object(struct buf *out, json_t *object, const struct schema_resource *mask)
{
	const char *key;
	json_t *value;
	bool first = true;

	buf_putc(out, '{');
	json_object_foreach (object, key, value) {
		if (!first)
			buf_putc(out, ',');
		first = false;
		json_put_string(out, span_of(key));
		buf_putc(out, ':');
		if (is_masked(mask, key, value))
			buf_puts(out, "\"********\"");
		else
			request_put_body(out, value, NULL);
	}
	buf_putc(out, '}');
}

static void
put_array(struct buf *out, json_t *array)
{
	size_t i;
	json_t *item;

	buf_putc(out, '[');
	json_array_foreach (array, i, item) {
		if (i != 0)
			buf_putc(out, ',');
		request_put_body(out, item, NULL);
	}
	buf_putc(out, ']');
}

void
request_put_body(struct buf *out, json_t *value, const struct schema_resource *mask)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT: put_object(out, value, mask); break;
	case JSON_ARRAY: put_array(out, value); break;
	case JSON_STRING:
		json_put_string(out,
		    (struct span){json_string_value(value), json_string_length(value)});
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		buf_put(out, number, text_from_double(number, json_real_value(value)));
		if (strpbrk(number, ".e") == NULL)
			buf_puts(out, ".0");
		break;
	case JSON_TRUE: buf_puts(out, "true"); break;
	case JSON_FALSE: buf_puts(out, "false"); break;
	case JSON_NULL: buf_puts(out, "null"); break;
	}
}
