/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/raw/property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

#define USER "user-property"

static const struct property {
	const char *name;
	size_t offset;
	int64_t max; /* of a number; 0: it is bytes */
	bool binary; /* need not be UTF-8 */
} properties[] = {
    {"content-type", offsetof(struct msg_props, content_type), 0, false},
    {"correlation-data", offsetof(struct msg_props, correlation), 0, true},
    {"message-expiry-interval", offsetof(struct msg_props, expiry), UINT32_MAX, false},
    {"payload-format-indicator", offsetof(struct msg_props, payload_format), 1, false},
    {"response-topic", offsetof(struct msg_props, response_topic), 0, false},
};

size_t
property_words(char *const *next, size_t n)
{
	return n > 0 && strcmp(next[0], USER) == 0 ? 3 : 2;
}

static int
check_text(const char *name, const char *text, bool binary, struct err *err)
{
	const size_t n = strlen(text);

	if (n > UINT16_MAX)
		return err_set(err, ERR_USAGE,
		    _("-D publish %s: a text of %zu bytes: MQTT takes at most %d"), name,
		    n, UINT16_MAX);
	if (!binary && !utf8_is_valid(text, n))
		return err_set(err, ERR_USAGE, _("-D publish %s: it is no UTF-8"), name);
	return 0;
}

static int
take_user(struct msg_props *out, const char *name, const char *value, struct err *err)
{
	struct span *user;

	if (check_text(USER, name, false, err) || check_text(USER, value, false, err))
		return -1;
	user = xreallocarray(
	    (void *)(uintptr_t)out->user, (out->users + 1) * 2, sizeof(*user));
	user[out->users * 2] = span_of(name);
	user[out->users * 2 + 1] = span_of(value);
	out->user = user;
	out->users++;
	return 0;
}

static int
take_one(
    struct msg_props *out, const struct property *p, const char *value, struct err *err)
{
	void *to = (char *)out + p->offset;
	char what[64];
	int64_t number;

	if (p->max == 0) {
		*(struct span *)to = span_of(value);
		return check_text(p->name, value, p->binary, err);
	}
	snprintf(what, sizeof(what), "-D publish %s", p->name);
	if (text_int(value, 0, p->max, what, &number, err))
		return -1;
	*(struct msg_number *)to = (struct msg_number){true, (uint32_t)number};
	return 0;
}

static int
unknown(const char *name, struct err *err)
{
	struct buf known = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(properties); i++)
		buf_printf(&known, "%s, ", properties[i].name);
	err_set(err, ERR_USAGE, _("-D publish: there is no property '%s' here, but %s%s"),
	    name, buf_str(&known), USER);
	buf_release(&known);
	return -1;
}

int
property_take(struct msg_props *out, const struct strv *words, struct err *err)
{
	int failed = 0;
	size_t i, j;

	*out = (struct msg_props){0};
	for (i = 0; i < words->n && !failed;
	     i += 1 + property_words(words->v + i + 1, 1)) {
		char *const *w = words->v + i;

		if (strcmp(w[0], "publish") != 0)
			return err_set(err, ERR_USAGE,
			    _("-D %s: only properties of 'publish' can be given"), w[0]);
		for (j = 0;
		     j < ARRAY_LEN(properties) && strcmp(w[1], properties[j].name) != 0;
		     j++)
			;
		if (strcmp(w[1], USER) == 0)
			failed = take_user(out, w[2], w[3], err);
		else if (j < ARRAY_LEN(properties))
			failed = take_one(out, &properties[j], w[2], err);
		else
			failed = unknown(w[1], err);
	}
	return failed;
}

void
property_release(struct msg_props *out)
{
	free((void *)(uintptr_t)out->user);
	*out = (struct msg_props){0};
}
