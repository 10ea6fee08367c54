/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotpub/values/payload.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { TEMPLATE_MOST = 1 << 20 };

/* A part of a template: literal text, and the {NAME} behind it. The last part has no name. */
struct payload_part {
	struct span text, name;
};

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* The braces of JSON are left alone: {NAME} has nothing but a name between them. */
static bool
next_name(struct span text, struct span *before, struct span *name)
{
	const char *end = text.p + text.n, *at = text.p;

	while ((at = memchr(at, '{', (size_t)(end - at))) != NULL) {
		size_t n = strspn(++at, NAME_CHARS);

		if (n > 0 && at[n] == '}') {
			*before = (struct span){text.p, (size_t)(at - 1 - text.p)};
			*name = (struct span){at, n};
			return true;
		}
	}
	return false;
}

static void
take_apart(struct payload *p)
{
	struct span rest = buf_as_span(&p->text), before, name;

	buf_str(&p->text);
	rest.p = p->text.p;
	do {
		bool more = next_name(rest, &before, &name);

		if (!more) {
			before = rest;
			name = (struct span){0};
		}
		p->parts = xreallocarray(p->parts, p->n + 1, sizeof(*p->parts));
		p->parts[p->n++] = (struct payload_part){before, name};
		rest.n -= before.n + (more ? name.n + 2 : 0);
		rest.p += before.n + (more ? name.n + 2 : 0);
	} while (name.p != NULL);
}

/* What editors add to a text: its last line's end, and a mark in front. */
static void
trim(struct buf *text)
{
	if (text->n > 0 && text->p[text->n - 1] == '\n')
		text->n -= text->n > 1 && text->p[text->n - 2] == '\r' ? 2 : 1;
	buf_shift(text, text->n - encoding_skip_mark(buf_as_span(text)).n);
}

int
payload_init(struct payload *p, const char *option, struct err *err)
{
	static const char *const shapes[] = {"nested", "flat"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(shapes); i++) {
		if (option != NULL && strcmp(option, shapes[i]) == 0)
			p->shape = (enum payload_shape)i;
	}
	if (option == NULL || strcmp(option, shapes[p->shape]) == 0)
		return 0;
	p->shape = PAYLOAD_TEMPLATE;
	if (file_read(option, TEMPLATE_MOST, &p->text, err))
		return err_in(
		    err, _("--payload wants nested, flat or a template's file"));
	if (memchr(buf_as_span(&p->text).p, '\0', p->text.n) != NULL)
		return err_set(err, ERR_USAGE, _("--payload: '%s' is no text"), option);
	trim(&p->text);
	take_apart(p);
	return 0;
}

void
payload_release(struct payload *p)
{
	buf_release(&p->text);
	free(p->parts);
}

/* The sensor of this name, or s->n. */
static size_t
find_sensor(const struct sensors *s, struct span name)
{
	size_t i = 0;

	for (; i < s->n; i++) {
		struct span key = buf_as_span(&s->v[i].key);

		if (key.n == name.n + 2 && memcmp(key.p + 1, name.p, name.n) == 0)
			break;
	}
	return i;
}

static void
put_device(struct buf *out, const struct measured *r)
{
	buf_puts(out, r->device);
}

static void
put_timestamp(struct buf *out, const struct measured *r)
{
	buf_u64(out, (uint64_t)r->timestamp);
}

static void
put_number(struct buf *out, const struct measured *r)
{
	buf_u64(out, r->draw->number + 1);
}

static void
put_sensors(struct buf *out, const struct measured *r)
{
	size_t i;

	for (i = 0; i < r->sensors->n; i++) {
		if (i != 0)
			buf_putc(out, ',');
		buf_span(out, buf_as_span(&r->sensors->v[i].key));
		buf_putc(out, ':');
		sensor_put(r->sensors, i, out, r->draw);
	}
}

static const struct {
	const char *name;
	void (*put)(struct buf *out, const struct measured *r);
} variables[] = {
    {"device_id", put_device},
    {"timestamp", put_timestamp},
    {"number", put_number},
    {"sensors", put_sensors},
};

static size_t
find_variable(struct span name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(variables) && !span_is(name, variables[i].name))
		i++;
	return i;
}

static int
check_template(const struct payload *p, const struct sensors *s, struct err *err)
{
	size_t i;

	for (i = 0; i + 1 < p->n; i++) {
		struct span name = p->parts[i].name;

		if (find_variable(name) == ARRAY_LEN(variables) &&
		    find_sensor(s, name) == s->n)
			return err_set(err, ERR_USAGE,
			    _("--payload: the template's {%.*s} is nothing known: there "
			      "are {device_id}, {timestamp}, {number}, {sensors} and "
			      "the sensors' names"),
			    (int)name.n, name.p);
	}
	return 0;
}

int
payload_check(const struct payload *p, const struct sensors *s, struct err *err)
{
	size_t i;

	if (p->shape == PAYLOAD_TEMPLATE)
		return check_template(p, s, err);
	for (i = 0; p->shape == PAYLOAD_FLAT && i < s->n; i++) {
		struct span key = buf_as_span(&s->v[i].key);

		if (span_is(key, "\"device_id\"") || span_is(key, "\"timestamp\""))
			return err_set(err, ERR_USAGE,
			    _("the flat payload has a %.*s of its own: name the sensor "
			      "otherwise, or use --payload nested"),
			    (int)key.n, key.p);
	}
	return 0;
}

static void
put_begin(struct buf *out, const char *device)
{
	buf_puts(out, "{\"device_id\":\"");
	buf_puts(out, device);
	buf_puts(out, "\",");
}

static void
put_template(struct buf *out, const struct payload *p, const struct measured *r)
{
	size_t i, variable;

	for (i = 0; i < p->n; i++) {
		struct span name = p->parts[i].name;

		buf_span(out, p->parts[i].text);
		if (name.p == NULL)
			continue;
		variable = find_variable(name);
		if (variable < ARRAY_LEN(variables))
			variables[variable].put(out, r);
		else
			sensor_put(
			    r->sensors, find_sensor(r->sensors, name), out, r->draw);
	}
}

void
payload_reading(struct buf *out, const struct payload *p, const struct measured *r)
{
	if (p->shape == PAYLOAD_TEMPLATE) {
		put_template(out, p, r);
		return;
	}
	put_begin(out, r->device);
	if (p->shape == PAYLOAD_NESTED)
		buf_puts(out, "\"sensors\":{");
	put_sensors(out, r);
	if (p->shape == PAYLOAD_NESTED)
		buf_putc(out, '}');
	buf_puts(out, ",\"timestamp\":");
	put_timestamp(out, r);
	if (r->stamp != NULL) {
		buf_puts(out, ",\"_seq\":");
		buf_u64(out, r->stamp->seq);
		buf_puts(out, ",\"_ts\":");
		buf_u64(out, (uint64_t)r->stamp->us);
	}
	buf_putc(out, '}');
}

void
payload_status(struct buf *out, const char *device, const char *status, int64_t timestamp)
{
	put_begin(out, device);
	buf_puts(out, "\"status\":\"");
	buf_puts(out, status);
	buf_putc(out, '"');
	if (timestamp >= 0) {
		buf_puts(out, ",\"timestamp\":");
		buf_u64(out, (uint64_t)timestamp);
	}
	buf_putc(out, '}');
}
