/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Request bodies against the schema. The texts are the Django backend's own, in English. */
#include "model/validate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/field_errs.h"
#include "model/timestamp.h"
#include "model/topic.h"

static json_t *
wrong(struct field_errs *errs, const struct schema_field *f, const char *text)
{
	field_errs_add(errs, f->name, "%s", text);
	return NULL;
}

static const char *
type_name(const json_t *v)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "dict",
	    [JSON_ARRAY] = "list",
	    [JSON_STRING] = "str",
	    [JSON_INTEGER] = "int",
	    [JSON_REAL] = "float",
	    [JSON_TRUE] = "bool",
	    [JSON_FALSE] = "bool",
	    [JSON_NULL] = "null",
	};

	return names[json_typeof(v)];
}

/* A whole number in any of the ways the backend takes it: 5, "5", 5.0. */
static bool
whole(const json_t *v, long long *out)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return true;
	}
	if (json_is_real(v)) {
		if (!(fabs(json_real_value(v)) < 9e15))
			return false;
		*out = (long long)json_real_value(v);
		return (double)*out == json_real_value(v);
	}
	if (s == NULL || s[0] == '\0' || strspn(s, "-0123456789") != strlen(s))
		return false;
	errno = 0;
	*out = strtoll(s, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool
within(const struct schema_field *f, double v, struct field_errs *errs)
{
	char limit[32];

	if (f->min >= f->max || (v >= f->min && v <= f->max))
		return true;
	text_from_double(limit, v < f->min ? f->min : f->max);
	field_errs_add(errs, f->name,
	    v < f->min ? _("Ensure this value is greater than or equal to %s.")
		       : _("Ensure this value is less than or equal to %s."),
	    limit);
	return false;
}

static json_t *
check_int(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	long long n;

	if (!whole(v, &n))
		return wrong(errs, f, _("A valid integer is required."));
	return within(f, (double)n, errs) ? json_integer(n) : NULL;
}

static json_t *
check_float(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	double d = json_number_value(v);

	if (json_is_string(v) ? !text_double(json_string_value(v), &d)
			      : !json_is_number(v))
		return wrong(errs, f, _("A valid number is required."));
	return within(f, d, errs) ? json_real(d) : NULL;
}

static json_t *
check_bool(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	const char *s = json_string_value(v);
	bool yes;

	if (json_is_boolean(v))
		return json_incref(v);
	if (json_is_integer(v) && (json_integer_value(v) | 1) == 1)
		return json_boolean(json_integer_value(v));
	if (s != NULL && text_bool(s, &yes))
		return json_boolean(yes);
	return wrong(errs, f, _("Must be a valid boolean."));
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xC0) != 0x80;
	return n;
}

/* Names must fit where they go: into topics and templates, into files of passwords, and before people's eyes. */
static bool
fits(const struct schema_field *f, const char *s, struct field_errs *errs)
{
	struct topic *t = NULL;
	struct err err = {0};
	int failed = 0;

	if (s[0] == '\0')
		return true;
	if ((f->flags & SCHEMA_ID) != 0)
		failed = topic_check_id(span_of(s), _("the id"), &err);
	if ((f->flags & SCHEMA_TEMPLATE) != 0)
		failed = topic_compile(&t, s, &err);
	topic_free(t);
	if (f->type == SCHEMA_STRING && (f->flags & SCHEMA_WRITE_ONLY) == 0 &&
	    !utf8_is_harmless_text(span_of(s)))
		failed = err_set(&err, ERR_USAGE,
		    _("Control characters and marks that turn text around are not "
		      "allowed."));
	if ((f->flags & SCHEMA_LOGIN) != 0 && strchr(s, ':') != NULL)
		failed = err_set(&err, ERR_USAGE, _("A user name has no \":\"."));
	if ((f->flags & SCHEMA_LOGIN) != 0 && s[0] == '#')
		failed =
		    err_set(&err, ERR_USAGE, _("A user name does not begin with \"#\"."));
	if (failed)
		field_errs_add(errs, f->name, "%s", err.text);
	return !failed;
}

static json_t *
check_string(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	const char *s = json_string_value(v);
	char number[32];
	bool keep = f->type == SCHEMA_TEXT || (f->flags & SCHEMA_WRITE_ONLY) != 0;
	char *trimmed;
	json_t *result;
	size_t n;

	if (json_is_integer(v))
		snprintf(
		    number, sizeof(number), "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		text_from_double(number, json_real_value(v));
	if (json_is_number(v))
		s = number;
	if (s == NULL)
		return wrong(errs, f, _("Not a valid string."));
	if (!keep)
		s += strspn(s, " \t\r\n");
	n = strlen(s);
	while (!keep && n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		n--;
	if (n == 0 && (f->flags & SCHEMA_BLANK) == 0)
		return wrong(errs, f, _("This field may not be blank."));
	trimmed = xstrndup(s, n);
	if (f->max > 0 && (double)characters(trimmed) > f->max) {
		field_errs_add(errs, f->name,
		    _("Ensure this field has no more than %.0f characters."), f->max);
		result = NULL;
	} else {
		result = fits(f, trimmed, errs) ? json_string(trimmed) : NULL;
	}
	free(trimmed);
	return result;
}

static char *
choices_of(const struct schema_field *f)
{
	struct buf list = {0};
	const struct schema_choice *c;
	char *text;

	for (c = f->choices; c->value != NULL; c++)
		buf_printf(&list, "%s%s", c != f->choices ? ", " : "", c->value);
	text = xasprintf(_("There are: %s"), buf_str(&list));
	buf_release(&list);
	return text;
}

static json_t *
check_choice(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	char number[32] = "";
	const char *s = json_string_value(v);
	const struct schema_choice *c;

	if (json_is_integer(v)) {
		snprintf(
		    number, sizeof(number), "%lld", (long long)json_integer_value(v));
		s = number;
	}
	for (c = f->choices; s != NULL && c->value != NULL; c++) {
		if (strcmp(c->value, s) == 0)
			return f->type == SCHEMA_CHOICE ? json_string(s)
							: json_integer(atoi(s));
	}
	field_errs_add(errs, f->name, _("\"%s\" is not a valid choice."),
	    s != NULL ? s : type_name(v));
	field_errs_hint(errs, choices_of(f));
	return NULL;
}

static json_t *
check_time(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	struct buf b = {0};
	json_t *result;
	int64_t us;

	if (!json_is_string(v) || !timestamp_parse(json_string_value(v), &us))
		return wrong(errs, f,
		    _("Datetime has wrong format. Use one of these formats instead: "
		      "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."));
	buf_time(&b, us);
	result = json_string(buf_str(&b));
	buf_release(&b);
	return result;
}

static json_t *
check_ref(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	long long id;

	if (json_is_boolean(v) || !whole(v, &id)) {
		field_errs_add(errs, f->name,
		    _("Incorrect type. Expected pk value, received %s."), type_name(v));
		return NULL;
	}
	return json_integer(id);
}

/* Duplicates collapse, the first one's place stays. */
static json_t *
check_refs(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	json_t *list, *item, *other;
	size_t i, j;

	if (!json_is_array(v)) {
		field_errs_add(errs, f->name,
		    _("Expected a list of items but got type \"%s\"."), type_name(v));
		return NULL;
	}
	if (json_array_size(v) > VALIDATE_REFS) {
		field_errs_add(errs, f->name,
		    _("Ensure this field has no more than %d elements."), VALIDATE_REFS);
		return NULL;
	}
	list = json_array();
	json_array_foreach (v, i, item) {
		json_t *id = check_ref(f, item, errs);
		bool known = id == NULL;

		json_array_foreach (list, j, other)
			known = known || json_equal(other, id);
		if (!known)
			json_array_append(list, id);
		json_decref(id);
		if (id == NULL) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
check_any(const struct schema_field *f, json_t *v, struct field_errs *errs)
{
	(void)f;
	(void)errs;
	return json_incref(v);
}

json_t *
validate_value(const struct schema_field *f, json_t *value, struct field_errs *errs)
{
	static json_t *(*const checks[])(
	    const struct schema_field *, json_t *, struct field_errs *) = {
	    [SCHEMA_INT] = check_int,
	    [SCHEMA_FLOAT] = check_float,
	    [SCHEMA_BOOL] = check_bool,
	    [SCHEMA_STRING] = check_string,
	    [SCHEMA_TEXT] = check_string,
	    [SCHEMA_CHOICE] = check_choice,
	    [SCHEMA_CHOICE_INT] = check_choice,
	    [SCHEMA_TIME] = check_time,
	    [SCHEMA_REF] = check_ref,
	    [SCHEMA_REFS] = check_refs,
	    [SCHEMA_JSON] = check_any,
	};

	if (json_is_null(value)) {
		if ((f->flags & SCHEMA_NULLABLE) != 0)
			return json_null();
		return wrong(errs, f, _("This field may not be null."));
	}
	return checks[f->type](f, value, errs);
}

static void
check_unknown(const struct schema_resource *r, json_t *body, struct field_errs *errs)
{
	const char *name;
	size_t n = 0;
	json_t *v;

	json_object_foreach (body, name, v) {
		const struct schema_field *f = schema_field(r, name);

		if ((f == NULL || strcmp(f->name, name) != 0) && n++ < VALIDATE_UNKNOWN)
			field_errs_add(errs, name, _("Unknown field."));
	}
	if (n > VALIDATE_UNKNOWN)
		field_errs_add(errs, "non_field_errors",
		    P_("%zu more unknown field.", "%zu more unknown fields.",
			n - VALIDATE_UNKNOWN),
		    n - VALIDATE_UNKNOWN);
}

json_t *
validate_body(
    const struct schema_resource *r, json_t *body, bool partial, struct field_errs *errs)
{
	const struct schema_field *f;
	json_t *good;

	if (!json_is_object(body)) {
		field_errs_add(errs, "non_field_errors",
		    _("Invalid data. Expected a dictionary, but got %s."),
		    type_name(body));
		return json_object();
	}
	good = json_object();
	for (f = r->fields; f->name != NULL; f++) {
		json_t *v = json_object_get(body, f->name);

		if ((f->flags & SCHEMA_READ_ONLY) != 0)
			continue;
		if (v != NULL) {
			v = validate_value(f, v, errs);
			if (v != NULL)
				json_object_set_new(good, f->name, v);
		} else if (!partial && (f->flags & SCHEMA_REQUIRED) != 0) {
			field_errs_add(errs, f->name, _("This field is required."));
		}
	}
	check_unknown(r, body, errs);
	return good;
}

static json_t *
text_list(const char *text)
{
	struct strv parts = {0};
	json_t *list = json_array();
	size_t i;

	strv_split(&parts, text, ',');
	for (i = 0; i < parts.n; i++) {
		json_t *v = json_string(parts.v[i]);
		long long id;

		if (whole(v, &id))
			json_array_append_new(list, json_integer(id));
		else
			json_array_append(list, v);
		json_decref(v);
	}
	strv_release(&parts);
	return list;
}

json_t *
validate_text(const struct schema_field *f, const char *text, struct field_errs *errs)
{
	json_t *v = json_string(text);
	json_t *result;
	long long id;

	if (v == NULL)
		return wrong(errs, f, _("Not a valid string."));
	if (f->type == SCHEMA_REFS || f->type == SCHEMA_REF || f->type == SCHEMA_JSON) {
		if (f->type == SCHEMA_REF)
			result = whole(v, &id) ? json_integer(id) : json_incref(v);
		else if (f->type == SCHEMA_REFS)
			result = text_list(text);
		else
			result = json_incref(v);
	} else if (text[0] == '\0' &&
	    (f->flags & (SCHEMA_NULLABLE | SCHEMA_BLANK)) == SCHEMA_NULLABLE) {
		result = json_null();
	} else {
		result = validate_value(f, v, errs);
	}
	json_decref(v);
	return result;
}
