/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/field.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

struct field_word
field_split(char *word)
{
	static const struct {
		const char *text;
		enum field_op op;
	} ops[] = {{"+=", FIELD_ADD}, {"-=", FIELD_DROP}, {":=", FIELD_JSON},
	    {"=", FIELD_TEXT}, {"@", FIELD_FILE}};
	struct field_word out = {.op = FIELD_NONE, .value = word};
	size_t n = 0;
	size_t i;

	if (!isalpha((unsigned char)word[0]))
		return out;
	while (isalnum((unsigned char)word[n]) || word[n] == '_')
		n++;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		size_t m = strlen(ops[i].text);

		if (strncmp(word + n, ops[i].text, m) == 0) {
			out = (struct field_word){ops[i].op, {word, n}, word + n + m};
			break;
		}
	}
	return out;
}
