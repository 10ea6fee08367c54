/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents by libyaml; JSON by jansson, which keeps what YAML would read otherwise. */
#include "iotctl/apply/yaml_parse.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * Values are made from libyaml's events. Its documents are made without limits, with times that grow with the square
 * of depth and of anchors; here it is stopped at the first event that is too deep. Directives are compared with all
 * before them. Aliases can stand for aliases, and a small text become a large value: so much, and so much for each byte of
 * the text, and no more.
 */
enum {
	DEPTH_MAX = 64,
	NODES_MAX = 4 << 20,
	ALIASED_MAX = 10000,
	ALIASED_PER_BYTE = 10,
	DIRECTIVES_MAX = 100
};

/* What an alias stands for. */
struct anchor {
	char *name;
	json_t *value; /* NULL until it is complete: it cannot hold itself */
	size_t nodes;
	int height; /* levels below it */
};

struct key {
	char *name;
	size_t line;
	bool merges; /* "<<" as it stands, without quotes or a tag */
};

struct reader {
	yaml_parser_t parser;
	struct span text;
	const char *name;
	size_t nodes;
	size_t aliased;         /* of them, behind aliases */
	int deepest;            /* level of what was read of the collection at hand */
	struct anchor *anchors; /* of the document */
	size_t n_anchors, room;
	struct hash_table by_name;
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
number_of(const struct reader *r, const yaml_event_t *event, struct err *err)
{
	const char *s = (const char *)event->data.scalar.value;
	json_error_t why = {0};
	json_t *value = NULL;

	if (s[0] == '-' || (s[0] >= '0' && s[0] <= '9'))
		value = json_loadb(s, event->data.scalar.length, JSON_DECODE_ANY, &why);
	if (value == NULL && is_overflow(&why))
		refuse_overflow(r->name, event->start_mark.line + 1, err);
	return value;
}

/* A word without quotes that is no text; NULL if it is, or, with `err`, cannot be kept. */
static json_t *
plain_value(const struct reader *r, const yaml_event_t *event, struct err *err)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *s = (const char *)event->data.scalar.value;

	if (strlen(s) != event->data.scalar.length)
		return NULL;
	if (is_one_of(s, nulls))
		return json_null();
	if (is_one_of(s, trues))
		return json_true();
	if (is_one_of(s, falses))
		return json_false();
	return number_of(r, event, err);
}

/* Without a tag, or with "!" or the one of its kind. */
static bool
is_default(const char *tag, const char *kind)
{
	return tag == NULL || strcmp(tag, "!") == 0 || strcmp(tag, kind) == 0;
}

static int
refuse_at(
    const struct reader *r, const yaml_event_t *event, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, _("'%s', line %zu: %s"), r->name,
	    event->start_mark.line + 1, what);
}

/* As it is written: !!int, not tag:yaml.org,2002:int. */
struct tag_name {
	const char *begin, *rest;
};

static struct tag_name
tag_name(const char *tag)
{
	static const char yaml[] = "tag:yaml.org,2002:";
	const size_t n = sizeof(yaml) - 1;

	return strncmp(tag, yaml, n) == 0 ? (struct tag_name){"!!", tag + n}
					  : (struct tag_name){"", tag};
}

static void
refuse_unknown_tag(
    const struct reader *r, const yaml_event_t *event, const char *tag, struct err *err)
{
	const struct tag_name t = tag_name(tag);

	err_set(err, ERR_USAGE, _("'%s', line %zu: tag '%s%s' is unknown"), r->name,
	    event->start_mark.line + 1, t.begin, t.rest);
}

/* A scalar whose tag is not that of text. */
static json_t *
tagged_value(const struct reader *r, const yaml_event_t *event, struct err *err)
{
	const char *tag = (const char *)event->data.scalar.tag;
	bool is_int = strcmp(tag, YAML_INT_TAG) == 0;
	bool is_float = strcmp(tag, YAML_FLOAT_TAG) == 0;
	bool is_bool = strcmp(tag, YAML_BOOL_TAG) == 0;
	bool is_null = strcmp(tag, YAML_NULL_TAG) == 0;
	json_t *value;

	if (!is_int && !is_float && !is_bool && !is_null) {
		refuse_unknown_tag(r, event, tag, err);
		err_add(err, _("; a value from a file is FIELD@file: PATH"));
		return NULL;
	}
	value = plain_value(r, event, err);
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
		err_set(err, ERR_USAGE,
		    _("'%s', line %zu: tag '%s%s' does not fit what follows it"), r->name,
		    event->start_mark.line + 1, tag_name(tag).begin, tag_name(tag).rest);
	return NULL;
}

static json_t *
scalar(const struct reader *r, const yaml_event_t *event, struct err *err)
{
	const char *tag = (const char *)event->data.scalar.tag;
	json_t *value = NULL;

	if (!is_default(tag, YAML_STR_TAG))
		return tagged_value(r, event, err);
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && tag == NULL)
		value = plain_value(r, event, err);
	if (value != NULL || err->code != ERR_OK)
		return value;
	value = json_stringn(
	    (const char *)event->data.scalar.value, event->data.scalar.length);
	if (value == NULL)
		refuse_at(r, event, _("no UTF-8"), err);
	return value;
}

/* An error of the text itself has an offset in place of a mark. */
static size_t
line_of_error(const struct reader *r)
{
	size_t i, line = 1;

	if (r->parser.error != YAML_READER_ERROR)
		return r->parser.problem_mark.line + 1;
	for (i = 0; i < r->parser.problem_offset && i < r->text.n; i++)
		line += r->text.p[i] == '\n';
	return line;
}

/* To be released with yaml_event_delete. */
static int
next_event(struct reader *r, yaml_event_t *event, struct err *err)
{
	if (yaml_parser_parse(&r->parser, event))
		return 0;
	return err_set(err, ERR_USAGE, _("'%s', line %zu: %s"), r->name, line_of_error(r),
	    r->parser.problem != NULL ? r->parser.problem : _("no YAML"));
}

static struct anchor *
find_anchor(struct reader *r, const char *name)
{
	struct hash_search s = hash_find(&r->by_name, hash_of(span_of(name)));
	size_t at;

	while (hash_next(&s, &at)) {
		if (strcmp(r->anchors[at].name, name) == 0)
			return &r->anchors[at];
	}
	return NULL;
}

/* A name that is there already means the new value from now on. `value` (borrowed) NULL: it only begins here. */
static void
set_anchor(
    struct reader *r, const yaml_char_t *anchor, json_t *value, size_t nodes, int height)
{
	const char *name = (const char *)anchor;
	struct anchor *a = find_anchor(r, name);

	if (a == NULL) {
		if (r->n_anchors == r->room) {
			r->room = r->room * 2 + 16;
			r->anchors =
			    xreallocarray(r->anchors, r->room, sizeof(*r->anchors));
		}
		hash_table_add(&r->by_name, hash_of(span_of(name)), r->n_anchors);
		a = &r->anchors[r->n_anchors++];
		*a = (struct anchor){.name = xstrdup(name)};
	}
	json_decref(a->value);
	a->value = json_incref(value);
	a->nodes = nodes;
	a->height = height;
}

static void
forget_anchors(struct reader *r)
{
	while (r->n_anchors != 0) {
		r->n_anchors--;
		free(r->anchors[r->n_anchors].name);
		json_decref(r->anchors[r->n_anchors].value);
	}
	hash_table_release(&r->by_name);
	r->by_name = (struct hash_table){0};
}

/* Whether one more value, with `nodes` in it and so much deeper than it is, has room. */
static int
count(
    struct reader *r, const yaml_event_t *event, size_t nodes, int depth, struct err *err)
{
	r->nodes += nodes;
	if (depth > r->deepest)
		r->deepest = depth;
	return depth > DEPTH_MAX || r->nodes > NODES_MAX
	    ? refuse_at(r, event, _("nested too deep, or too large"), err)
	    : 0;
}

/* Lists and objects, which may change from here on; a text, however long, stays as it is and is not copied. */
static json_t *
copy_of(json_t *value)
{
	json_t *copy, *item;
	const char *key;
	size_t i;

	if (!json_is_array(value) && !json_is_object(value))
		return json_incref(value);
	copy = json_copy(value);
	json_array_foreach (copy, i, item) {
		json_array_set_new(copy, i, copy_of(item));
	}
	json_object_foreach (copy, key, item) {
		json_object_set_new(copy, key, copy_of(item));
	}
	return copy;
}

static json_t *
alias(struct reader *r, const yaml_event_t *event, int depth, struct err *err)
{
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *a = find_anchor(r, name);

	if (a == NULL || a->value == NULL) {
		err_set(err, ERR_USAGE,
		    a == NULL ? _("'%s', line %zu: no anchor '&%s' stands before it in "
				  "its document")
			      : _("'%s', line %zu: '&%s' cannot hold itself"),
		    r->name, event->start_mark.line + 1, name);
		return NULL;
	}
	if (count(r, event, a->nodes, depth + a->height, err))
		return NULL;
	r->aliased += a->nodes;
	if (r->aliased > ALIASED_MAX + ALIASED_PER_BYTE * r->text.n) {
		refuse_at(r, event, _("aliases that stand for too much"), err);
		return NULL;
	}
	return copy_of(a->value);
}

static json_t *value_of_event(
    struct reader *r, const yaml_event_t *event, int depth, struct err *err);

/* The value that comes next; NULL at the end of a list, or with `err`. */
static json_t *
next_value(struct reader *r, int depth, struct err *err)
{
	yaml_event_t event;
	json_t *value = NULL;

	if (next_event(r, &event, err))
		return NULL;
	if (event.type != YAML_SEQUENCE_END_EVENT)
		value = value_of_event(r, &event, depth, err);
	yaml_event_delete(&event);
	return value;
}

static json_t *
sequence(struct reader *r, int depth, struct err *err)
{
	json_t *array = json_array(), *value;

	while ((value = next_value(r, depth + 1, err)) != NULL)
		json_array_append_new(array, value);
	if (err->code == ERR_OK)
		return array;
	json_decref(array);
	return NULL;
}

static int
take_key(struct reader *r, const yaml_event_t *event, struct key *key, struct err *err)
{
	const char *name = (const char *)event->data.scalar.value;
	json_t *anchored;

	key->line = event->start_mark.line + 1;
	if (event->type != YAML_SCALAR_EVENT ||
	    strlen(name) != event->data.scalar.length ||
	    !is_default((const char *)event->data.scalar.tag, YAML_STR_TAG))
		return refuse_at(r, event, _("a key that is no text"), err);
	if (event->data.scalar.anchor != NULL) {
		anchored = scalar(r, event, err);
		if (anchored == NULL)
			return -1;
		set_anchor(r, event->data.scalar.anchor, anchored, 1, 0);
		json_decref(anchored);
	}
	key->name = xstrdup(name);
	key->merges = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    event->data.scalar.tag == NULL && strcmp(name, "<<") == 0;
	return 0;
}

/* key->name is NULL at the end of the mapping; else to be freed. */
static int
next_key(struct reader *r, struct key *key, struct err *err)
{
	yaml_event_t event;
	int failed = 0;

	*key = (struct key){0};
	if (next_event(r, &event, err))
		return -1;
	if (event.type != YAML_MAPPING_END_EVENT)
		failed = take_key(r, &event, key, err);
	yaml_event_delete(&event);
	return failed;
}

static int
add_pair(
    struct reader *r, json_t *object, const struct key *key, int depth, struct err *err)
{
	json_t *value;

	if (json_object_get(object, key->name) != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s', line %zu: '%s' stands there twice"), r->name, key->line,
		    key->name);
	value = next_value(r, depth + 1, err);
	if (value == NULL)
		return -1;
	if (json_object_set_new(object, key->name, value))
		return err_set(
		    err, ERR_USAGE, _("'%s', line %zu: no UTF-8"), r->name, key->line);
	return 0;
}

static bool
is_list_of_objects(const json_t *value)
{
	json_t *item;
	size_t i;

	json_array_foreach (value, i, item) {
		if (!json_is_object(item))
			return false;
	}
	return json_is_array(value);
}

/* The mappings to merge, as a list in *out: YAML's language-independent type "merge". */
static int
take_merge(
    struct reader *r, json_t **out, const struct key *key, int depth, struct err *err)
{
	json_t *value;

	if (*out != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s', line %zu: '<<' stands there twice; <<: [*a, *b] merges "
		      "both"),
		    r->name, key->line);
	value = next_value(r, depth + 1, err);
	if (json_is_object(value)) {
		*out = json_array();
		json_array_append_new(*out, value);
	} else if (is_list_of_objects(value)) {
		*out = value;
	} else if (value != NULL) {
		json_decref(value);
		return err_set(err, ERR_USAGE,
		    _("'%s', line %zu: '<<' merges a mapping, such as *NAME, or a list "
		      "of them"),
		    r->name, key->line);
	}
	return value != NULL ? 0 : -1;
}

/* What the mapping has itself counts, wherever it stands, then the first that is merged. */
static void
merge(json_t *object, const json_t *merged)
{
	json_t *item;
	size_t i;

	json_array_foreach (merged, i, item) {
		json_object_update_missing(object, item);
	}
}

static json_t *
mapping(struct reader *r, int depth, struct err *err)
{
	json_t *object = json_object(), *merged = NULL;
	struct key key;
	int failed;

	while (!(failed = next_key(r, &key, err)) && key.name != NULL) {
		failed = key.merges ? take_merge(r, &merged, &key, depth, err)
				    : add_pair(r, object, &key, depth, err);
		free(key.name);
		if (failed)
			break;
	}
	merge(object, merged);
	json_decref(merged);
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

/* A list or an object, from its first event on. */
static json_t *
collection(struct reader *r, const yaml_event_t *event, int depth, struct err *err)
{
	const bool is_map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor =
	    is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const char *tag = (const char *)(is_map ? event->data.mapping_start.tag
						: event->data.sequence_start.tag);
	const size_t before = r->nodes - 1;
	const int deepest = r->deepest;
	json_t *value;

	if (!is_default(tag, is_map ? YAML_MAP_TAG : YAML_SEQ_TAG)) {
		refuse_unknown_tag(r, event, tag, err);
		return NULL;
	}
	if (anchor != NULL)
		set_anchor(r, anchor, NULL, 0, 0);
	r->deepest = depth;
	value = is_map ? mapping(r, depth, err) : sequence(r, depth, err);
	if (anchor != NULL && value != NULL)
		set_anchor(r, anchor, value, r->nodes - before, r->deepest - depth);
	if (deepest > r->deepest)
		r->deepest = deepest;
	return value;
}

static json_t *
value_of_event(struct reader *r, const yaml_event_t *event, int depth, struct err *err)
{
	json_t *value;

	if (event->type == YAML_ALIAS_EVENT)
		return alias(r, event, depth, err);
	if (count(r, event, 1, depth, err))
		return NULL;
	if (event->type != YAML_SCALAR_EVENT)
		return collection(r, event, depth, err);
	value = scalar(r, event, err);
	if (value != NULL && event->data.scalar.anchor != NULL)
		set_anchor(r, event->data.scalar.anchor, value, 1, 0);
	return value;
}

static int
skip_event(struct reader *r, yaml_event_type_t *type, struct err *err)
{
	yaml_event_t event;

	if (next_event(r, &event, err))
		return -1;
	*type = event.type;
	yaml_event_delete(&event);
	return 0;
}

/* The next document; *doc is NULL at the end. */
static int
next_document(struct reader *r, json_t **doc, struct err *err)
{
	yaml_event_type_t type;

	for (;;) {
		*doc = NULL;
		if (skip_event(r, &type, err))
			return -1;
		if (type == YAML_STREAM_END_EVENT)
			return 0;
		if (type != YAML_DOCUMENT_START_EVENT)
			continue;
		*doc = next_value(r, 0, err);
		forget_anchors(r);
		if (*doc == NULL || skip_event(r, &type, err)) {
			json_decref(*doc);
			return -1;
		}
		/* An empty document between two marks says nothing. */
		if (!json_is_null(*doc))
			return 0;
		json_decref(*doc);
	}
}

static int
check_directives(struct span text, const char *name, struct err *err)
{
	static const char tag[] = "%TAG";
	size_t n = 0, line = 1, at = 0;

	while (at < text.n) {
		const char *end = memchr(text.p + at, '\n', text.n - at);

		if (text.n - at > sizeof(tag) &&
		    memcmp(text.p + at, tag, sizeof(tag) - 1) == 0 &&
		    ++n > DIRECTIVES_MAX)
			return err_set(err, ERR_USAGE,
			    _("'%s', line %zu: more than %d times %s"), name, line,
			    DIRECTIVES_MAX, tag);
		at = end != NULL ? (size_t)(end - text.p) + 1 : text.n;
		line++;
	}
	return 0;
}

static int
read_yaml(struct span text, const char *name,
    int (*fn)(void *arg, json_t *doc, size_t n, struct err *err), void *arg,
    struct err *err)
{
	struct reader r = {.name = name, .text = text};
	json_t *doc = NULL;
	size_t n = 0;
	int stopped;

	if (check_directives(text, name, err))
		return -1;
	if (!yaml_parser_initialize(&r.parser))
		return err_set(err, ERR_FAILED, _("cannot start libyaml"));
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
	while ((stopped = next_document(&r, &doc, err)) == 0 && doc != NULL) {
		stopped = fn(arg, doc, ++n, err);
		json_decref(doc);
		if (stopped)
			break;
	}
	yaml_parser_delete(&r.parser);
	forget_anchors(&r);
	free(r.anchors);
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
	struct span plain = encoding_skip_mark(text);
	size_t line;

	if (encoding_check(text, &line, err))
		return err_in(err, _("'%s', line %zu"), name, line);
	return is_json(plain) ? read_json(plain, name, fn, arg, err)
			      : read_yaml(plain, name, fn, arg, err);
}
