/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever is read as YAML reads the same again after it was written. */
#include "iotctl/apply/yaml_parse.h"

#include <stdlib.h>

#include "base/json.h"
#include "iotctl/output/yaml_emit.h"

enum { DEPTH = 40 };

static int
compare(void *arg, json_t *again, size_t n, struct err *err)
{
	(void)err;
	if (n != 1 || !json_equal(arg, again))
		abort();
	return 0;
}

/* JSON may be deeper than what is read as YAML. */
static int
depth_of(json_t *value)
{
	int deepest = 0, depth;
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach (value, key, item)
		deepest = (depth = depth_of(item)) > deepest ? depth : deepest;
	json_array_foreach (value, i, item)
		deepest = (depth = depth_of(item)) > deepest ? depth : deepest;
	return deepest + 1;
}

static int
write_and_read(void *arg, json_t *doc, size_t n, struct err *err)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_ENCODE_ANY);
	struct buf out = {0};
	struct span value;

	(void)arg;
	(void)n;
	if (text == NULL || !json_check(span_of(text), &value, NULL))
		abort();
	if ((json_is_object(doc) || json_is_array(doc)) && depth_of(doc) < DEPTH) {
		yaml_emit_put(&out, value);
		if (yaml_parse_documents(buf_as_span(&out), "again", compare, doc, err) !=
		    0)
			abort();
	}
	buf_release(&out);
	free(text);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = {(const char *)data, size};
	struct err err = {0};

	if (yaml_parse_documents(text, "f", write_and_read, NULL, &err) != 0 &&
	    (err.code != ERR_USAGE || err.text[0] == '\0'))
		abort();
	return 0;
}
