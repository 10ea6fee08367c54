/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may be an id, a topic name, a filter; and the platform's five templates together. */
#include <stdlib.h>

#include "base/ascii.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/topic.h"

enum { ID_MAX = 64, TOPIC_MAX = 65535 };

static bool
is_id_char(char c, bool first)
{
	bool word =
	    (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

	return word || (!first && (c == '.' || c == '_' || c == '-'));
}

int
topic_check_id(struct span id, const char *what, struct err *err)
{
	size_t i;

	if (id.n == 0)
		return err_set(err, ERR_USAGE, _("%s is empty"), what);
	if (id.n > ID_MAX)
		return err_set(err, ERR_USAGE,
		    _("%s '%.*s...' is longer than %d characters"), what, 20, id.p,
		    ID_MAX);
	for (i = 0; i < id.n; i++) {
		if (!is_id_char(id.p[i], i == 0))
			return err_set(err, ERR_USAGE,
			    _("%s '%.*s' may only have letters, digits and, not at its "
			      "beginning, '.', '_', '-'"),
			    what, (int)id.n, id.p);
	}
	return 0;
}

/* `what` is for translation, which costs more than all of the looking: only where it is said. */
static int
check_bytes(struct span s, const char *what, struct err *err)
{
	size_t i;

	if (s.n == 0)
		return err_set(err, ERR_USAGE, _("%s is empty"), _(what));
	if (s.n > TOPIC_MAX)
		return err_set(
		    err, ERR_USAGE, _("%s is longer than %d bytes"), _(what), TOPIC_MAX);
	if (!utf8_is_valid(s.p, s.n))
		return err_set(err, ERR_USAGE, _("%s is no valid UTF-8"), _(what));
	for (i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return err_set(err, ERR_USAGE,
			    _("%s contains a control character"), _(what));
	}
	return 0;
}

int
topic_check_name(struct span name, struct err *err)
{
	if (name.n > 0 && name.n <= TOPIC_MAX &&
	    ascii_plain_topic((const unsigned char *)name.p, name.n))
		return 0;
	if (check_bytes(name, N_("the topic"), err))
		return -1;
	if (memchr(name.p, '+', name.n) != NULL || memchr(name.p, '#', name.n) != NULL)
		return err_set(err, ERR_USAGE,
		    _("topic '%.*s' contains a wildcard: '+' and '#' are for "
		      "subscribing"),
		    (int)name.n, name.p);
	return 0;
}

/* $share/GROUP/FILTER is checked as FILTER (MQTT 5, 4.8.2). */
static const char *
without_share(const char *filter, struct err *err)
{
	size_t group;

	if (strncmp(filter, "$share/", 7) != 0)
		return filter;
	group = strcspn(filter + 7, "/+#");
	if (group == 0 || filter[7 + group] != '/') {
		err_set(
		    err, ERR_USAGE, _("filter '%s' is not $share/GROUP/FILTER"), filter);
		return NULL;
	}
	return filter + 7 + group + 1;
}

int
topic_check_filter(const char *filter, struct err *err)
{
	const char *p = without_share(filter, err);

	if (p == NULL || check_bytes(span_of(p), N_("the filter"), err))
		return -1;
	for (;;) {
		size_t n = strcspn(p, "/");
		bool wild = memchr(p, '+', n) != NULL || memchr(p, '#', n) != NULL;

		if (wild && n != 1)
			return err_set(err, ERR_USAGE,
			    _("filter '%s': '+' and '#' must be whole levels"), filter);
		if (wild && *p == '#' && p[1] != '\0')
			return err_set(err, ERR_USAGE,
			    _("filter '%s': '#' must be the last level"), filter);
		if (p[n] == '\0')
			return 0;
		p += n + 1;
	}
}
