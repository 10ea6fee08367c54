/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents by libyaml; JSON by jansson, which keeps what YAML would read otherwise. */
#include "iotctl/apply/yaml_parse.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"

/* Aliases can stand for aliases: a small text could become a large value. */
enum { DEPTH_MAX = 64, NODES_MAX = 4 << 20 };

struct reader {
	yaml_document_t doc;
	const char *name;
	size_t nodes;
	size_t *tagged;  /* where scalars with a tag begin, in order ... */
	size_t n_tagged; /* ... as a document does not tell !!str from none */
};

static bool
is_one_of(const char *s, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(s, *words) == 0)
			return true;
	}
	return false;
}

static bool
is_overflow(const json_error_t *why)
{
	return json_error_code(why) == json_error_numeric_overflow;
}

static int
refuse_overflow(const char *name, size_t line, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    _("'%s', line %zu: a number beyond 64 bits; in quotes it is a text"), name,
	    line);
}

/* A number as JSON writes it; NULL if it is none, or, with `err`, too large for one. */
static json_t *
number_of(const struct reader *r, const yaml_node_t *node, struct err *err)
{
	const char *s = (const char *)node->data.scalar.value;
	json_error_t why = {0};
	json_t *value = NULL;

	if (s[0] == '-' || (s[0] >= '0' && s[0] <= '9'))
		value = json_loadb(s, node->data.scalar.length, JSON_DECODE_ANY, &why);
	if (value == NULL && is_overflow(&why))
		refuse_overflow(r->name, node->start_mark.line + 1, err);
	return value;
}

/* A word without quotes that is no text; NULL if it is, or, with `err`, cannot be kept. */
static json_t *
plain_value(const struct reader *r, const yaml_node_t *node, struct err *err)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *s = (const char *)node->data.scalar.value;

	if (strlen(s) != node->data.scalar.length)
		return NULL;
	if (is_one_of(s, nulls))
		return json_null();
	if (is_one_of(s, trues))
		return json_true();
	if (is_one_of(s, falses))
		return json_false();
	return number_of(r, node, err);
}

static void
refuse_tag(
    const struct reader *r, const yaml_node_t *node, const char *why, struct err *err)
{
	static const char yaml[] = "tag:yaml.org,2002:";
	const char *tag = (const char *)node->tag;
	size_t n = strncmp(tag, yaml, sizeof(yaml) - 1) == 0 ? sizeof(yaml) - 1 : 0;

	err_set(err, ERR_USAGE, _("'%s', line %zu: tag '%s%s' %s"), r->name,
	    node->start_mark.line + 1, n != 0 ? "!!" : "", tag + n, why);
}

static int
by_place(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
is_tagged(const struct reader *r, const yaml_node_t *node)
{
	return r->n_tagged != 0 &&
	    bsearch(&node->start_mark.index, r->tagged, r->n_tagged, sizeof(*r->tagged),
		by_place) != NULL;
}

/* Errors of the text are left to the pass that reads the documents. */
static void
find_tags(struct reader *r, struct span text)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_parser_t parser;
	yaml_event_t event;

	if (memchr(text.p, '!', text.n) == NULL || !yaml_parser_initialize(&parser))
		return;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (type != YAML_STREAM_END_EVENT && yaml_parser_parse(&parser, &event)) {
		type = event.type;
		if (type == YAML_SCALAR_EVENT && event.data.scalar.tag != NULL) {
			r->tagged =
			    xreallocarray(r->tagged, r->n_tagged + 1, sizeof(*r->tagged));
			r->tagged[r->n_tagged++] = event.start_mark.index;
		}
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

/* A scalar whose tag is not that of text. */
static json_t *
tagged_value(const struct reader *r, const yaml_node_t *node, struct err *err)
{
	const char *tag = (const char *)node->tag;
	bool is_int = strcmp(tag, YAML_INT_TAG) == 0;
	bool is_float = strcmp(tag, YAML_FLOAT_TAG) == 0;
	bool is_bool = strcmp(tag, YAML_BOOL_TAG) == 0;
	bool is_null = strcmp(tag, YAML_NULL_TAG) == 0;
	json_t *value;

	if (!is_int && !is_float && !is_bool && !is_null) {
		refuse_tag(r, node,
		    _("is unknown; a value from a file is FIELD@file: PATH"), err);
		return NULL;
	}
	value = plain_value(r, node, err);
	if ((is_int && json_is_integer(value)) || (is_float && json_is_real(value)) ||
	    (is_bool && json_is_boolean(value)) || (is_null && json_is_null(value)))
		return value;
	if (is_float && json_is_integer(value)) {
		double number = json_number_value(value);

		json_decref(value);
		return json_real(number);
	}
	json_decref(value);
	if (err->code == ERR_OK)
		refuse_tag(r, node, _("does not fit what follows it"), err);
	return NULL;
}

static json_t *
scalar(const struct reader *r, const yaml_node_t *node, struct err *err)
{
	json_t *value = NULL;

	if (strcmp((const char *)node->tag, YAML_STR_TAG) != 0)
		return tagged_value(r, node, err);
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_tagged(r, node))
		value = plain_value(r, node, err);
	if (value != NULL || err->code != ERR_OK)
		return value;
	value =
	    json_stringn((const char *)node->data.scalar.value, node->data.scalar.length);
	if (value == NULL)
		err_set(err, ERR_USAGE, _("'%s', line %zu: no UTF-8"), r->name,
		    node->start_mark.line + 1);
	return value;
}

static json_t *value_of_node(
    struct reader *r, const yaml_node_t *node, int depth, struct err *err);

static int
add_pair(struct reader *r, json_t *object, const yaml_node_pair_t *pair, int depth,
    struct err *err)
{
	const yaml_node_t *key = yaml_document_get_node(&r->doc, pair->key);
	const char *name = (const char *)key->data.scalar.value;
	size_t line = key->start_mark.line + 1;
	json_t *value;

	if (key->type != YAML_SCALAR_NODE || strlen(name) != key->data.scalar.length ||
	    strcmp((const char *)key->tag, YAML_STR_TAG) != 0)
		return err_set(err, ERR_USAGE, _("'%s', line %zu: a key that is no text"),
		    r->name, line);
	if (json_object_get(object, name) != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s', line %zu: '%s' stands there twice"), r->name, line, name);
	value = value_of_node(
	    r, yaml_document_get_node(&r->doc, pair->value), depth + 1, err);
	if (value == NULL)
		return -1;
	if (json_object_set_new(object, name, value))
		return err_set(
		    err, ERR_USAGE, _("'%s', line %zu: no UTF-8"), r->name, line);
	return 0;
}

static json_t *
mapping(struct reader *r, const yaml_node_t *node, int depth, struct err *err)
{
	json_t *object = json_object();
	const yaml_node_pair_t *pair;

	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++) {
		if (add_pair(r, object, pair, depth, err)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *
sequence(struct reader *r, const yaml_node_t *node, int depth, struct err *err)
{
	json_t *array = json_array();
	const yaml_node_item_t *item;

	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top;
	     item++) {
		json_t *value = value_of_node(
		    r, yaml_document_get_node(&r->doc, *item), depth + 1, err);

		if (value == NULL) {
			json_decref(array);
			return NULL;
		}
		json_array_append_new(array, value);
	}
	return array;
}

static json_t *
value_of_node(struct reader *r, const yaml_node_t *node, int depth, struct err *err)
{
	const char *tag = (const char *)node->tag;

	if (depth > DEPTH_MAX || ++r->nodes > NODES_MAX) {
		err_set(err, ERR_USAGE,
		    _("'%s', line %zu: nested too deep, or too large"), r->name,
		    node->start_mark.line + 1);
		return NULL;
	}
	if (node->type == YAML_MAPPING_NODE && strcmp(tag, YAML_MAP_TAG) == 0)
		return mapping(r, node, depth, err);
	if (node->type == YAML_SEQUENCE_NODE && strcmp(tag, YAML_SEQ_TAG) == 0)
		return sequence(r, node, depth, err);
	if (node->type == YAML_SCALAR_NODE)
		return scalar(r, node, err);
	refuse_tag(r, node, _("is unknown"), err);
	return NULL;
}

/* The next document; *doc is NULL at the end. */
static int
next_document(yaml_parser_t *parser, struct reader *r, json_t **doc, struct err *err)
{
	yaml_node_t *root;
	int failed = 0;

	*doc = NULL;
	do {
		if (!yaml_parser_load(parser, &r->doc))
			return err_set(err, ERR_USAGE, _("'%s', line %zu: %s"), r->name,
			    parser->problem_mark.line + 1,
			    parser->problem != NULL ? parser->problem : _("no YAML"));
		root = yaml_document_get_root_node(&r->doc);
		if (root == NULL) {
			yaml_document_delete(&r->doc);
			return 0;
		}
		*doc = value_of_node(r, root, 0, err);
		failed = *doc == NULL ? -1 : 0;
		yaml_document_delete(&r->doc);
		/* An empty document between two marks says nothing. */
		if (json_is_null(*doc)) {
			json_decref(*doc);
			*doc = NULL;
		} else {
			return failed;
		}
	} while (true);
}

static int
read_yaml(struct span text, const char *name,
    int (*fn)(void *arg, json_t *doc, size_t n, struct err *err), void *arg,
    struct err *err)
{
	struct reader r = {.name = name};
	yaml_parser_t parser;
	json_t *doc = NULL;
	size_t n = 0;
	int stopped;

	if (!yaml_parser_initialize(&parser))
		return err_set(err, ERR_FAILED, _("cannot start libyaml"));
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	find_tags(&r, text);
	while ((stopped = next_document(&parser, &r, &doc, err)) == 0 && doc != NULL) {
		stopped = fn(arg, doc, ++n, err);
		json_decref(doc);
		if (stopped)
			break;
	}
	yaml_parser_delete(&parser);
	free(r.tagged);
	return stopped;
}

static size_t
skip_blanks(struct span text, size_t at)
{
	while (at < text.n && strchr(" \t\r\n", text.p[at]) != NULL && text.p[at] != '\0')
		at++;
	return at;
}

/* JSON texts one after the other. False if it is something else. */
static bool
is_json(struct span text)
{
	size_t at = skip_blanks(text, 0);
	json_error_t why;
	json_t *doc;

	if (at == text.n || strchr("{[", text.p[at]) == NULL)
		return false;
	doc = json_loadb(text.p + at, text.n - at, JSON_DISABLE_EOF_CHECK, &why);
	json_decref(doc);
	return doc != NULL || is_overflow(&why);
}

static int
read_json(struct span text, const char *name,
    int (*fn)(void *arg, json_t *doc, size_t n, struct err *err), void *arg,
    struct err *err)
{
	size_t at = skip_blanks(text, 0), n = 0, lines = 0, counted = 0;
	size_t flags = JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES;
	int stopped = 0;

	while (at < text.n && stopped == 0) {
		json_error_t why;
		json_t *doc = json_loadb(text.p + at, text.n - at, flags, &why);

		for (; counted < at; counted++)
			lines += text.p[counted] == '\n';
		if (doc == NULL && is_overflow(&why))
			return refuse_overflow(name, lines + (size_t)why.line, err);
		if (doc == NULL)
			return err_set(err, ERR_USAGE, _("'%s', line %zu: %s"), name,
			    lines + (size_t)why.line, why.text);
		stopped = fn(arg, doc, ++n, err);
		json_decref(doc);
		at = skip_blanks(text, at + (size_t)why.position);
	}
	return stopped;
}

int
yaml_parse_documents(struct span text, const char *name,
    int (*fn)(void *arg, json_t *doc, size_t n, struct err *err), void *arg,
    struct err *err)
{
	return is_json(text) ? read_json(text, name, fn, arg, err)
			     : read_yaml(text, name, fn, arg, err);
}
