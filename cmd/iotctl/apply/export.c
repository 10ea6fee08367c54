/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export: what the platform holds, as apply reads it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/apply/index.h"
#include "iotctl/apply/manifest.h"
#include "iotctl/output/show.h"
#include "iotctl/output/yaml_emit.h"
#include "iotctl/run.h"

struct export
{
	struct ctl *c;
	struct index_set held;
	size_t n;           /* documents so far */
	struct strv left;   /* resources that --all had to leave out ... */
	struct err refused; /* ... and why the last */
};

/* A file name has at most 255 bytes (NAME_MAX), and the name of the field is
 * appended. */
enum { FILE_NAME_MAX = 200 };

/* Fields that somebody sets: no secrets, which the API does not show, and no states,
 * which the platform changes itself. */
static bool
is_wanted(const struct schema_field *f)
{
	return (f->flags &
		   (SCHEMA_READ_ONLY | SCHEMA_DERIVED | SCHEMA_WRITE_ONLY |
		       SCHEMA_STATE)) == 0;
}

/* The name, where it means no other object, because other platforms give other ids;
 * else the id. */
static int
put_ref(struct export *x, const struct schema_resource *r, struct span value,
    struct buf *out, struct err *err)
{
	struct index *index = index_of(&x->held, r, err);
	char digits[24], *name;

	if (index == NULL)
		return -1;
	snprintf(digits, sizeof(digits), "%.*s", (int)value.n, value.p);
	name = json_kind(value) == JSON_KIND_NUMBER
	    ? index_name(index, strtoll(digits, NULL, 10))
	    : NULL;
	if (name != NULL)
		json_put_string(out, span_of(name));
	else
		json_put_compact(out, value);
	free(name);
	return 0;
}

static int
put_refs(struct export *x, const struct schema_resource *r, struct span list,
    const char *member, struct buf *out, struct err *err)
{
	struct json_iter it = {.value = list};
	bool first = true;
	struct span value;

	buf_putc(out, '[');
	while (json_next(&it)) {
		value = it.item;
		if (member != NULL && !json_member(it.item, member, &value))
			continue;
		if (!first)
			buf_putc(out, ',');
		first = false;
		if (put_ref(x, r, value, out, err))
			return -1;
	}
	buf_putc(out, ']');
	return 0;
}

static int
put_field(struct export *x, const struct schema_field *f, struct span value,
    struct buf *out, struct err *err)
{
	buf_printf(out, ",\"%s\":", f->name);
	if (f->type == SCHEMA_REF)
		return put_ref(x, schema_find(f->ref), value, out, err);
	if (f->type == SCHEMA_REFS && json_kind(value) == JSON_KIND_ARRAY)
		return put_refs(x, schema_find(f->ref), value, NULL, out, err);
	json_put_compact(out, value);
	return 0;
}

static bool
is_secret_in_use(const struct schema_field *f, struct span object)
{
	struct span value;

	if ((f->flags & SCHEMA_WRITE_ONLY) == 0 ||
	    (f->type != SCHEMA_STRING && f->type != SCHEMA_TEXT))
		return false;
	if (f->used_if == NULL)
		return true;
	/* Where the answer has no such field: a required secret is always in use. */
	if (!json_member(object, f->used_if, &value))
		return (f->flags & SCHEMA_REQUIRED) != 0;
	return !span_is(value, "null") && !span_is(value, "false") &&
	    !span_is(value, "\"\"");
}

/* The object's natural key as a file name: the same on every platform, and never
 * that of another object. */
static void
put_file_name(struct buf *out, const struct schema_resource *r, struct span object)
{
	char *label = lookup_label_of(r, object);
	struct buf name = {0};
	size_t i;

	for (i = 0; label[i] != '\0'; i++) {
		unsigned char c = (unsigned char)label[i];

		if (c < ' ' || c == 0x7F || c == '/' || c == '%' || (c == '.' && i == 0))
			buf_printf(&name, "%%%02X", c);
		else
			buf_putc(&name, label[i]);
	}
	if (name.n <= FILE_NAME_MAX)
		buf_span(out, buf_as_span(&name));
	else
		buf_printf(out, "%%id%" JSON_INTEGER_FORMAT, lookup_id_of(object));
	buf_release(&name);
	free(label);
}

/* A reference to the file that the secret is to be put into: the API does not show
 * it. */
static void
put_secret(struct export *x, const struct schema_resource *r,
    const struct schema_field *f, struct span object, struct buf *out)
{
	const char *dir = x->c->args->secrets != NULL ? x->c->args->secrets : "secrets";
	struct buf path = {0};

	buf_printf(&path, "%s/%s/", dir, r->name);
	put_file_name(&path, r, object);
	buf_printf(&path, ".%s", f->name);
	buf_printf(out, ",\"%s@file\":", f->name);
	json_put_string(out, buf_as_span(&path));
	buf_release(&path);
}

static int
put_object(struct export *x, const struct schema_resource *r, struct span object,
    struct buf *out, struct err *err)
{
	const struct schema_field *f;
	struct span value;

	buf_printf(out, "{\"kind\":\"%s\"", r->name);
	for (f = r->fields; f->name != NULL; f++) {
		if (is_secret_in_use(f, object))
			put_secret(x, r, f, object, out);
		else if (is_wanted(f) && json_member(object, f->name, &value) &&
		    put_field(x, f, value, out, err))
			return -1;
	}
	if (strcmp(r->name, "device") == 0 &&
	    json_member(object, "sensores_asignados", &value)) {
		buf_puts(out, ",\"sensores\":");
		if (put_refs(x, schema_find("sensor"), value, "sensor", out, err))
			return -1;
	}
	buf_putc(out, '}');
	return 0;
}

static void
show_document(struct export *x, const struct buf *json)
{
	enum format format = (enum format)x->c->args->format;
	struct buf out = {0};

	if (format == FORMAT_JSON || format == FORMAT_NDJSON) {
		if (format == FORMAT_JSON)
			buf_puts(&out, x->n == 0 ? "[" : ",\n ");
		buf_span(&out, buf_as_span(json));
		if (format == FORMAT_NDJSON)
			buf_putc(&out, '\n');
	} else {
		buf_puts(&out, x->n == 0 ? "" : "---\n");
		yaml_emit_put(&out, buf_as_span(json));
	}
	show_bytes(buf_as_span(&out));
	buf_release(&out);
	x->n++;
}

static int
export_one(struct export *x, const struct schema_resource *r, struct err *err)
{
	struct index *index = index_of(&x->held, r, err);
	struct buf json = {0};
	size_t i;
	int failed = 0;

	if (index == NULL && x->c->args->all && err->code == ERR_AUTH) {
		strv_add(&x->left, r->name);
		x->refused = *err;
		*err = (struct err){0};
		return 0;
	}
	if (index == NULL)
		return -1;
	if (index->missing && !x->c->args->all)
		return err_set(err, ERR_NOT_FOUND, _("the API at '%s' has no %s"),
		    rest_base(x->c->api), r->name);
	for (i = 0; i < index->objects.n && !failed; i++) {
		buf_clear(&json);
		failed = put_object(x, r, buf_as_span(&index->objects.v[i]), &json, err);
		if (!failed)
			show_document(x, &json);
	}
	buf_release(&json);
	return failed;
}

static bool
is_asked(const struct ctl *c, const struct operands *in, const struct schema_resource *r)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		if (schema_find(in->v[i]) == r)
			return true;
	}
	/* Readings are data, not what a platform is made of. */
	return c->args->all && (r->verbs & SCHEMA_SET) != 0;
}

/* By level, so that what is referred to comes first. */
static int
export_all(struct export *x, const struct operands *in, struct err *err)
{
	const struct schema_resource *r;
	size_t level, most = 0;

	for (r = schema; r->name != NULL; r++)
		most = manifest_level(r) > most ? manifest_level(r) : most;
	for (level = 0; level <= most; level++) {
		for (r = schema; r->name != NULL; r++) {
			if (manifest_level(r) == level && is_asked(x->c, in, r) &&
			    export_one(x, r, err))
				return -1;
		}
	}
	return 0;
}

/* What came is no whole platform. ERR_AUTH where nothing came at all. */
static int
tell_left(const struct export *x, struct err *err)
{
	struct buf names = {0};
	size_t i;

	for (i = 0; i < x->left.n; i++)
		buf_printf(&names, "%s%s", i != 0 ? ", " : "", x->left.v[i]);
	*err = x->refused;
	if (x->n != 0)
		err->code = ERR_FAILED;
	err_in(err, _("left out: %s"), buf_str(&names));
	buf_release(&names);
	return -1;
}

int
run_export(struct ctl *c, const struct operands *in, struct err *err)
{
	struct export x = {.c = c};
	bool json = c->args->format == FORMAT_JSON;
	int failed = 0;
	size_t i;

	if (c->args->format == FORMAT_CSV)
		return err_set(err, ERR_USAGE, _("export writes yaml, json or ndjson"));
	if (in->n == 0 && !c->args->all)
		return err_set(err, ERR_USAGE, _("export RESOURCE..., or export --all"));
	for (i = 0; i < in->n; i++) {
		if (schema_need(in->v[i], err) == NULL)
			return -1;
	}
	index_set_init(&x.held, c);
	failed = export_all(&x, in, err);
	if (!failed && json && (x.n != 0 || x.left.n == 0))
		show_bytes(span_of(x.n == 0 ? "[]\n" : "]\n"));
	if (!failed && x.left.n != 0)
		failed = tell_left(&x, err);
	strv_release(&x.left);
	index_set_release(&x.held);
	return failed;
}
