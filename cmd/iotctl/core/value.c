/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a FIELD form stands for: text, file, prompt or JSON, as the field's type. */
#include "iotctl/core/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "model/timestamp.h"
#include "model/validate.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/request.h"
#include "iotctl/core/tty.h"

enum { VALUE_MAX = 1 << 20 };

/* The text of a file, without the one newline that an editor puts at its end; a PEM keeps it. */
static int
read_text(const char *path, bool secret, char **out, struct err *err)
{
	static const char pem[] = "-----BEGIN ";
	struct buf b = {0};
	int failed = secret ? file_read_private(path, VALUE_MAX, &b, err)
			    : file_read(path, VALUE_MAX, &b, err);

	if (!failed && b.n != 0 && b.p[b.n - 1] == '\n' &&
	    strncmp(buf_str(&b), pem, sizeof(pem) - 1) != 0)
		b.n--;
	if (!failed &&
	    (memchr(buf_as_span(&b).p, '\0', b.n) != NULL ||
		!utf8_is_valid(buf_as_span(&b).p, b.n)))
		failed = err_set(err, ERR_USAGE, _("'%s' is not UTF-8 text"), path);
	if (!failed)
		*out = buf_steal(&b);
	else if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_release(&b);
	return failed;
}

int
value_file(const struct schema_field *f, const char *path, char **out, struct err *err)
{
	bool secret = (f->flags & SCHEMA_WRITE_ONLY) != 0;

	/* Secrets of type SCHEMA_TEXT are keys, of several lines. */
	if (secret && f->type == SCHEMA_STRING)
		return file_read_secret(path, out, err);
	return read_text(path, secret, out, err);
}

/* The text that an assignment gives, from wherever it is (mem_free_secret). */
static int
text_of(struct ctl *c, const struct assign *a, char **out, struct err *err)
{
	bool secret = (a->field->flags & SCHEMA_WRITE_ONLY) != 0;

	if (a->op != FIELD_FILE) {
		*out = xstrdup(a->value);
		return 0;
	}
	if (a->value[0] == '\0')
		return tty_ask(a->field->name, secret, out, err);
	if (strcmp(a->value, "-") == 0 && ctl_claim_stdin(c, a->field->name, err))
		return -1;
	return value_file(a->field, a->value, out, err);
}

static int
look_up(struct ctl *c, const struct schema_field *f, json_t **value, struct err *err)
{
	const struct schema_resource *r = schema_find(f->ref);
	json_int_t id;

	if (!json_is_string(*value))
		return 0;
	if (lookup_id(c, r, json_string_value(*value), &id, err))
		return err_in(err, "%s", f->name);
	json_decref(*value);
	*value = json_integer(id);
	return 0;
}

/* Puts ids in the place of names. */
static int
look_up_all(struct ctl *c, const struct schema_field *f, json_t **value, struct err *err)
{
	json_t *ids;
	json_t *item;
	size_t i;

	if (f->type == SCHEMA_REF)
		return look_up(c, f, value, err);
	if (f->type != SCHEMA_REFS || !json_is_array(*value))
		return 0;
	ids = json_array();
	json_array_foreach (*value, i, item) {
		json_t *id = json_incref(item);

		if (look_up(c, f, &id, err)) {
			json_decref(id);
			json_decref(ids);
			return -1;
		}
		json_array_append_new(ids, id);
	}
	json_decref(*value);
	*value = ids;
	return 0;
}

/* `value` with its names looked up; takes it. NULL stays NULL. */
static json_t *
with_ids(struct ctl *c, const struct schema_field *f, json_t *value, struct err *err)
{
	if (value != NULL && look_up_all(c, f, &value, err)) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* Validation changes some values that the API should get as they were written: a
 * time without a zone, and a whole number where any number is wanted. Takes `value`. */
static json_t *
as_written(const struct schema_field *f, const char *text, json_t *value)
{
	double number = json_real_value(value);
	json_t *written = NULL;

	if (f->type == SCHEMA_TIME && json_is_string(value) && text != NULL &&
	    !timestamp_has_zone(text))
		written = json_string(text);
	else if (f->type == SCHEMA_FLOAT && json_is_real(value) &&
	    number == floor(number) && fabs(number) < 1e15)
		written = json_integer((json_int_t)number);
	if (written == NULL)
		return value;
	json_decref(value);
	return written;
}

json_t *
value_checked(const struct schema_field *f, json_t *raw, struct field_errs *errs)
{
	/* jansson keeps no number's digits: 1.10 is 1.1 by now, and 1e3 is 1000. */
	if (json_is_real(raw) && (f->type == SCHEMA_STRING || f->type == SCHEMA_TEXT)) {
		field_errs_add(
		    errs, f->name, _("a text that looks like a number needs quotes"));
		return NULL;
	}
	return as_written(f, json_string_value(raw), validate_value(f, raw, errs));
}

json_t *
value_of_text(struct ctl *c, const struct schema_field *f, const char *text,
    struct field_errs *errs, struct err *err)
{
	json_t *value = as_written(f, text, validate_text(f, text, errs));

	return with_ids(c, f, value, err);
}

static json_t *
value_of_json(
    struct ctl *c, const struct assign *a, struct field_errs *errs, struct err *err)
{
	json_error_t why;
	json_t *raw =
	    json_loads(a->value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	json_t *value = NULL;

	if (raw == NULL && (a->field->flags & SCHEMA_WRITE_ONLY) != 0)
		field_errs_add(errs, a->field->name, _("what it is given is no JSON"));
	else if (raw == NULL)
		field_errs_add(
		    errs, a->field->name, _("'%s' is no JSON: %s"), a->value, why.text);
	if (raw == NULL)
		return NULL;
	/* A name is fine where an id is wanted. */
	if (a->field->type == SCHEMA_REF && json_is_string(raw))
		value = validate_text(a->field, json_string_value(raw), errs);
	else
		value = value_checked(a->field, raw, errs);
	json_decref(raw);
	return with_ids(c, a->field, value, err);
}

json_t *
value_of(struct ctl *c, const struct assign *a, struct field_errs *errs, struct err *err)
{
	char *text = NULL;
	json_t *value;

	if ((a->op == FIELD_ADD || a->op == FIELD_DROP) &&
	    a->field->type != SCHEMA_REFS) {
		field_errs_add(errs, a->field->name, _("+= and -= are for lists; use ="));
		return NULL;
	}
	if (a->op == FIELD_JSON)
		return value_of_json(c, a, errs, err);
	if (text_of(c, a, &text, err))
		return NULL;
	value = value_of_text(c, a->field, text, errs, err);
	mem_free_secret(text);
	return value;
}
