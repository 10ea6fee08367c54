/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/http_log.h"

#include <string.h>

#include "base/text.h"
#include "base/visible.h"

enum { TARGET_MOST = 256 }; /* bytes that are shown */

static bool
is_one_of(const char *const *words, size_t count, struct span s)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (span_eq(s, span_of(words[i])))
			return true;
	}
	return false;
}

/* "name=value"; the value of a parameter that may be anything is "*", and so is what has no name of a parameter. */
static void
put_parameter(struct buf *out, struct span s)
{
	static const char *const shown[] = {"page", "page_size", "limit", "ordering"};
	const char *equals = memchr(s.p, '=', s.n);
	struct span name = {s.p, equals != NULL ? (size_t)(equals - s.p) : 0};

	if (is_one_of(shown, ARRAY_LEN(shown), name)) {
		buf_span(out, s);
		return;
	}
	if (name.n > 0 && strspn(name.p, "abcdefghijklmnopqrstuvwxyz_") == name.n) {
		buf_span(out, name);
		buf_putc(out, '=');
	}
	buf_putc(out, '*');
}

/* What is no path may be a URL with a login. */
static void
put_target(struct buf *out, const char *target)
{
	const size_t path = target[0] == '/' ? strcspn(target, "?#") : 0;
	const char *at = target + path;

	if (path == 0) {
		buf_putc(out, '*');
		return;
	}
	buf_put(out, target, path);
	while (*at != '\0') {
		const size_t n = strcspn(at + 1, "&;?#");

		buf_putc(out, *at);
		put_parameter(out, (struct span){at + 1, n});
		at += 1 + n;
	}
}

static void
put_short(struct buf *line, struct buf *target)
{
	struct span s = buf_as_span(target);

	if (s.n > TARGET_MOST)
		s.n = TARGET_MOST;
	visible_put(line, s);
	if (target->n > TARGET_MOST)
		buf_puts(line, "[...]");
}

void
http_log(const struct http_log_request *r)
{
	struct buf target = {0}, line = {0};

	if (!http_log_is_on())
		return;
	put_target(&target, r->target);
	buf_printf(&line, "http %c %.16s ", r->served ? '<' : '>',
	    r->method != NULL ? r->method : "-");
	put_short(&line, &target);
	if (r->status != 0)
		buf_printf(&line, " status=%u ms=%lld bytes=%zu", r->status,
		    (long long)r->ms, r->bytes);
	else
		buf_printf(&line, " status=none ms=%lld", (long long)r->ms);
	log_debug("%s", buf_str(&line));
	buf_release(&line);
	buf_release(&target);
}
