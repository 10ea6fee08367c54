/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file of documents wants to be there. */
#include "iotctl/apply/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/apply/yaml_parse.h"
#include "iotctl/core/request.h"
#include "iotctl/core/value.h"

enum { FILE_MAX = 256 << 20 };

struct source {
	struct manifest *m;
	const char *path;
	size_t doc;
	bool anywhere; /* files that it names may be */
};

size_t
manifest_level(const struct schema_resource *r)
{
	const struct schema_field *f;
	/* Sensors are assigned to devices, without a field that says so. */
	size_t level = strcmp(r->name, "device") == 0 ? 1 : 0;

	for (f = r->fields; f->name != NULL; f++) {
		size_t below =
		    f->ref != NULL ? manifest_level(schema_find(f->ref)) + 1 : 0;

		level = below > level ? below : level;
	}
	return level;
}

/* A path is relative to the document's folder (free). */
static char *
beside(const char *document, const char *path)
{
	const char *slash = strrchr(document, '/');

	if (path[0] == '/' || slash == NULL)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - document), document, path);
}

/* Whether a path leads out of the folder that it begins in, as far as its text tells. */
static bool
leads_out(const char *path)
{
	struct strv parts = {0};
	bool out = path[0] == '/';
	size_t i;

	strv_split(&parts, path, '/');
	for (i = 0; i < parts.n; i++)
		out = out || strcmp(parts.v[i], "..") == 0;
	strv_release(&parts);
	return out;
}

/* A document may come from anybody: it does not pick files of the machine to send to the platform. Links count
 * as what they lead to. */
static int
check_place(const struct source *in, const char *name, const char *path, struct err *err)
{
	char *folder = beside(in->path, "."), *root, *file;
	size_t n;
	bool below;

	if (in->anywhere) {
		free(folder);
		return 0;
	}
	root = realpath(folder, NULL);
	file = realpath(path, NULL);
	n = root != NULL ? strlen(root) : 0;
	if (root != NULL && file != NULL)
		below = strncmp(file, root, n) == 0 && (n == 1 || file[n] == '/');
	else
		below = !leads_out(name);
	free(file);
	free(root);
	free(folder);
	return below ? 0
		     : err_set(err, ERR_USAGE,
			   _("'%s' is not below the folder of the file that names it "
			     "(--allow-files)"),
			   path);
}

/* A secret whose file is not there, as export leaves it: the platform has it
 * already. */
static bool
is_absent(const struct schema_field *f, const char *path)
{
	return (f->flags & SCHEMA_WRITE_ONLY) != 0 && strcmp(path, "-") != 0 &&
	    access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static int
take_file(const struct source *in, struct item *item, const struct schema_field *f,
    json_t *value, struct err *err)
{
	char *path, *text = NULL;
	int failed;

	if (!json_is_string(value))
		return err_set(
		    err, ERR_USAGE, _("%s@file: the name of a file is wanted"), f->name);
	path = beside(in->path, json_string_value(value));
	if (strcmp(path, "-") != 0 &&
	    check_place(in, json_string_value(value), path, err)) {
		free(path);
		return -1;
	}
	if (is_absent(f, path)) {
		json_object_set_new(item->absent, f->name, json_string(path));
		free(path);
		return 0;
	}
	failed = value_file(f, path, &text, err);
	if (!failed)
		json_object_set_new(item->fields, f->name, json_string(text));
	mem_free_secret(text);
	free(path);
	return failed;
}

static int
take_member(const struct source *in, struct item *item, const char *key, json_t *value,
    struct err *err)
{
	static const char suffix[] = "@file";
	size_t n = strlen(key), m = sizeof(suffix) - 1;
	bool file = n > m && strcmp(key + n - m, suffix) == 0;
	char *name = file ? xstrndup(key, n - m) : xstrdup(key);
	const struct schema_field *f = schema_field(item->r, name);
	int failed = 0;

	if (strcmp(item->r->name, "device") == 0 && strcmp(name, "sensores") == 0 &&
	    json_is_array(value)) {
		json_decref(item->sensors);
		item->sensors = json_incref(value);
	} else if (f == NULL) {
		schema_need_field(item->r, name, err);
		failed = -1;
	} else if ((f->flags & (SCHEMA_READ_ONLY | SCHEMA_DERIVED)) != 0) {
		failed = 0;
	} else if (json_object_get(item->fields, f->name) != NULL ||
	    json_object_get(item->absent, f->name) != NULL) {
		failed = err_set(err, ERR_USAGE, _("'%s' stands there twice"), f->name);
	} else if (file) {
		failed = take_file(in, item, f, value, err);
	} else {
		json_object_set(item->fields, f->name, value);
	}
	free(name);
	return failed;
}

static void
put_words(const struct item *item, struct buf *out)
{
	const struct schema_field *f;

	for (f = item->r->fields; f->name != NULL; f++) {
		json_t *value = json_object_get(item->fields, f->name);

		if ((f->flags & SCHEMA_REQUIRED) != 0 && json_is_string(value))
			buf_printf(out, "%s%s", out->n != 0 ? " " : "",
			    json_string_value(value));
	}
}

/* Its key, or, where its resource has none, the texts that a new one must have
 * (free). */
static char *
label_of_item(const struct item *item)
{
	struct buf out = {0};
	json_t *key = NULL;
	size_t i;

	for (i = 0; (key == NULL || json_is_null(key)) && item->r->keys[i] != NULL; i++)
		key = json_object_get(item->fields, item->r->keys[i]);
	if (json_is_string(key))
		buf_puts(&out, json_string_value(key));
	else if (key != NULL && !json_is_null(key))
		request_put_body(&out, key, NULL);
	else if (item->r->keys[0] == NULL)
		put_words(item, &out);
	if (out.n == 0)
		buf_printf(&out, "#%zu", item->row);
	return buf_steal(&out);
}

static int
take_object(
    struct source *in, const struct schema_resource *r, json_t *object, struct err *err)
{
	struct manifest *m = in->m;
	struct item *item;
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return err_set(
		    err, ERR_USAGE, _("%s: an object of fields is wanted"), r->name);
	m->v = xreallocarray(m->v, m->n + 1, sizeof(*m->v));
	item = &m->v[m->n++];
	*item = (struct item){.r = r,
	    .fields = json_object(),
	    .absent = json_object(),
	    .row = m->n,
	    .level = manifest_level(r)};
	json_object_foreach (object, key, value) {
		if (strcmp(key, "kind") != 0 && take_member(in, item, key, value, err))
			return err_in(err, "%s", r->name);
	}
	item->label = label_of_item(item);
	return 0;
}

/* {RESOURCE: [...]} */
static int
take_groups(struct source *in, json_t *doc, struct err *err)
{
	const char *key;
	json_t *list, *object;
	size_t i;

	json_object_foreach (doc, key, list) {
		const struct schema_resource *r = schema_find(key);

		if (r == NULL || !json_is_array(list))
			return err_set(err, ERR_USAGE,
			    _("'%s': a document has a 'kind', such as broker, and "
			      "fields, or "
			      "lists under names of resources"),
			    key);
		json_array_foreach (list, i, object) {
			if (take_object(in, r, object, err))
				return -1;
		}
	}
	return 0;
}

static int
take_value(struct source *in, json_t *doc, struct err *err)
{
	json_t *kind = json_object_get(doc, "kind");
	const struct schema_resource *r;
	json_t *one;
	size_t i;

	if (json_is_array(doc)) {
		json_array_foreach (doc, i, one) {
			if (take_value(in, one, err))
				return -1;
		}
		return 0;
	}
	if (!json_is_object(doc))
		return err_set(
		    err, ERR_USAGE, _("a document is an object or a list of objects"));
	if (kind == NULL)
		return take_groups(in, doc, err);
	r = json_is_string(kind) ? schema_need(json_string_value(kind), err) : NULL;
	if (r == NULL)
		return err->code != ERR_OK
		    ? -1
		    : err_set(err, ERR_USAGE, _("'kind' is the name of a resource"));
	return take_object(in, r, doc, err);
}

static int
on_document(void *arg, json_t *doc, size_t n, struct err *err)
{
	struct source *in = arg;

	in->doc = n;
	return take_value(in, doc, err)
	    ? err_in(err, _("'%s', document %zu"), in->path, n)
	    : 0;
}

static int
by_level(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Kind and unique key; NULL when it has none, as there may be several like it (free). */
static char *
identity_of(const struct item *item)
{
	const char *key = item->r->keys[0];
	json_t *value = key != NULL ? json_object_get(item->fields, key) : NULL;
	struct buf out = {0};

	if (value == NULL || (schema_field(item->r, key)->flags & SCHEMA_UNIQUE) == 0)
		return NULL;
	buf_printf(&out, "%s\n", item->r->name);
	if (json_is_string(value))
		buf_puts(&out, json_string_value(value));
	else
		request_put_body(&out, value, NULL);
	return buf_steal(&out);
}

struct identity {
	char *text;
	const struct item *item;
};

static int
by_identity(const void *a, const void *b)
{
	const struct identity *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order
			  : (x->item->row > y->item->row) - (x->item->row < y->item->row);
}

/* Two documents for one object would overwrite each other at every run. */
static int
check_twice(const struct manifest *m, struct err *err)
{
	struct identity *all = xcalloc(m->n + 1, sizeof(*all));
	int failed = 0;
	size_t n = 0, i;

	for (i = 0; i < m->n; i++) {
		all[n] = (struct identity){identity_of(&m->v[i]), &m->v[i]};
		n += all[n].text != NULL;
	}
	qsort(all, n, sizeof(*all), by_identity);
	for (i = 1; i < n && !failed; i++) {
		if (strcmp(all[i - 1].text, all[i].text) == 0)
			failed = err_set(err, ERR_USAGE,
			    _("%s '%s' is there twice, as object %zu and %zu"),
			    all[i].item->r->name, all[i].item->label,
			    all[i - 1].item->row, all[i].item->row);
	}
	for (i = 0; i < n; i++)
		free(all[i].text);
	free(all);
	return failed;
}

int
manifest_read(
    struct ctl *c, const struct strv *paths, struct manifest *out, struct err *err)
{
	size_t i;
	int failed = 0;

	for (i = 0; i < paths->n && !failed; i++) {
		struct source in = {
		    .m = out, .path = paths->v[i], .anywhere = c->args->allow_files};
		struct buf text = {0};
		size_t before = out->n;

		failed = (strcmp(in.path, "-") == 0 && ctl_claim_stdin(c, "-f", err)) ||
			file_read(in.path, FILE_MAX, &text, err) ||
			yaml_parse_documents(
			    buf_as_span(&text), in.path, on_document, &in, err)
		    ? -1
		    : 0;
		buf_release(&text);
		/* One that was cut off, or was never written, asks for nothing. */
		if (!failed && out->n == before)
			failed = err_set(err, ERR_USAGE, _("there is nothing in '%s'"),
			    strcmp(in.path, "-") == 0 ? _("standard input") : in.path);
	}
	if (out->n != 0)
		qsort(out->v, out->n, sizeof(*out->v), by_level);
	return failed || check_twice(out, err) ? -1 : 0;
}

void
manifest_release(struct manifest *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		json_decref(m->v[i].fields);
		json_decref(m->v[i].absent);
		json_decref(m->v[i].sensors);
		free(m->v[i].label);
	}
	free(m->v);
	*m = (struct manifest){0};
}
