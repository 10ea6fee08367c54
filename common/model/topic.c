/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates: compiled into literal pieces and variables, expanded, matched. */
#include "model/topic.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

static const char *const var_names[TOPIC_VARS] = {
    [TOPIC_DEVICE_ID] = "device_id",
    [TOPIC_SENSOR_TYPE] = "sensor_type",
    [TOPIC_TIMESTAMP] = "timestamp",
};

enum { PIECES_MAX = 64 };

/* A literal text (var < 0) or a variable. */
struct piece {
	int var;
	struct span text;
};

struct topic {
	char *text;
	const char *body; /* of it, what names are matched with: not $share/GROUP/ */
	bool wild;        /* it has + or # */
	/* With one variable, as nearly all: what stands before and behind it. */
	int only; /* -1: none, or several */
	struct span before, behind;
	/* And when each of these has 16 bytes at most, as they stand in the first and the last 16
	 * bytes of a name; the masks have a bit for each byte. */
	bool brief;
	unsigned char first[16], last[16];
	unsigned first_mask, last_mask;
	size_t count;
	struct piece pieces[PIECES_MAX];
};

static int
find_var(struct span name)
{
	int v;

	for (v = 0; v < TOPIC_VARS; v++) {
		if (span_is(name, var_names[v]))
			return v;
	}
	return -1;
}

static int
add_piece(struct topic *t, int var, struct span text, struct err *err)
{
	if (var < 0 && text.n == 0)
		return 0;
	if (t->count == PIECES_MAX)
		return err_set(err, ERR_USAGE,
		    _("topic template '%s' has too many variables"), t->text);
	if (var >= 0 && t->count != 0 && t->pieces[t->count - 1].var >= 0)
		return err_set(err, ERR_USAGE,
		    _("topic template '%s': nothing stands between two variables"),
		    t->text);
	t->pieces[t->count++] = (struct piece){var, text};
	return 0;
}

/* At {: adds the variable and returns what follows its }, or NULL. */
static const char *
add_variable(struct topic *t, const char *p, struct err *err)
{
	size_t n = strcspn(p + 1, "{}/");
	struct span name = {p + 1, n};
	int var = find_var(name);

	if (p[1 + n] != '}') {
		err_set(err, ERR_USAGE, _("topic template '%s': '{' without its '}'"),
		    t->text);
		return NULL;
	}
	if (var < 0) {
		err_set(err, ERR_USAGE,
		    _("topic template '%s': unknown variable '{%.*s}'; there are "
		      "{device_id}, {sensor_type} and {timestamp}"),
		    t->text, (int)n, name.p);
		return NULL;
	}
	return add_piece(t, var, name, err) == 0 ? p + n + 2 : NULL;
}

static int
compile(struct topic *t, struct err *err)
{
	const char *p = t->body;

	while (*p != '\0') {
		size_t n = strcspn(p, "{}");

		if (add_piece(t, -1, (struct span){p, n}, err))
			return -1;
		p += n;
		if (*p == '}')
			return err_set(err, ERR_USAGE,
			    _("topic template '%s': '}' without its '{'"), t->text);
		if (*p == '{' && (p = add_variable(t, p, err)) == NULL)
			return -1;
	}
	return 0;
}

/* $share/GROUP/FILTER is checked, and matches, as FILTER (MQTT 5, 4.8.2). */
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

static void
find_only(struct topic *t)
{
	size_t i, variables = 0;

	for (i = 0; i < t->count; i++)
		variables += t->pieces[i].var >= 0;
	t->only = -1;
	t->before = t->behind = SPAN("");
	for (i = 0; i < t->count && variables == 1 && !t->wild; i++) {
		if (t->pieces[i].var >= 0)
			t->only = t->pieces[i].var;
		else if (t->only < 0)
			t->before = t->pieces[i].text;
		else
			t->behind = t->pieces[i].text;
	}
}

static void
find_brief(struct topic *t)
{
	const size_t before = t->before.n, behind = t->behind.n;

	t->brief = t->only >= 0 && before <= 16 && behind <= 16;
	if (!t->brief)
		return;
	memcpy(t->first, t->before.p, before);
	memcpy(t->last + 16 - behind, t->behind.p, behind);
	t->first_mask = (1U << before) - 1;
	t->last_mask = ((1U << behind) - 1) << (16 - behind);
}

/* A level with a variable is + in the filter, which hides what else stands there. */
static int
check_levels(const struct topic *t, struct err *err)
{
	const char *level = t->body;

	for (;;) {
		size_t n = strcspn(level, "/");

		if (memchr(level, '{', n) != NULL &&
		    (memchr(level, '+', n) != NULL || memchr(level, '#', n) != NULL))
			return err_set(err, ERR_USAGE,
			    _("topic template '%s': '+' and '#' must be whole levels"),
			    t->text);
		if (level[n] == '\0')
			return 0;
		level += n + 1;
	}
}

int
topic_compile(struct topic **out, const char *text, struct err *err)
{
	struct topic *t = xcalloc(1, sizeof(*t));
	char *filter;
	int failed;

	*out = NULL;
	t->text = xstrdup(text);
	t->body = without_share(t->text, err);
	t->wild = t->body != NULL && strpbrk(t->body, "+#") != NULL;
	failed = t->body == NULL || compile(t, err) || check_levels(t, err);
	if (!failed) {
		find_only(t);
		find_brief(t);
		filter = topic_filter(t);
		failed = topic_check_filter(filter, err);
		free(filter);
		if (failed)
			err_in(err, _("topic template '%s'"), text);
	}
	if (failed) {
		topic_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void
topic_free(struct topic *t)
{
	if (t != NULL)
		free(t->text);
	free(t);
}

const char *
topic_text(const struct topic *t)
{
	return t->text;
}

bool
topic_has(const struct topic *t, enum topic_var var)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		if (t->pieces[i].var == (int)var)
			return true;
	}
	return false;
}

static int
check_value(const struct topic *t, int var, struct span v, struct err *err)
{
	size_t i;

	if (v.n == 0)
		return err_set(err, ERR_USAGE,
		    _("topic template '%s': {%s} has no value"), t->text, var_names[var]);
	for (i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c < 0x20 || c == 0x7F || c == '+' || c == '#' || c == '/')
			return err_set(err, ERR_USAGE,
			    _("topic template '%s': {%s} must not contain '+', '#', '/' "
			      "or "
			      "control characters"),
			    t->text, var_names[var]);
	}
	return 0;
}

int
topic_expand(
    const struct topic *t, const struct topic_vars *vars, char **out, struct err *err)
{
	struct buf b = {0};
	int failed = 0;
	size_t i;

	for (i = 0; i < t->count && !failed; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->var >= 0)
			failed = check_value(t, piece->var, vars->v[piece->var], err);
		if (!failed)
			buf_span(&b, piece->var >= 0 ? vars->v[piece->var] : piece->text);
	}
	if (!failed)
		failed = topic_check_name(buf_as_span(&b), err);
	if (!failed && (b.p[0] == '$' || t->body != t->text))
		failed = err_set(err, ERR_USAGE,
		    _("topic template '%s': an expansion must not begin with '$'"),
		    t->text);
	if (!failed)
		*out = buf_steal(&b);
	buf_release(&b);
	return failed;
}

char *
topic_filter(const struct topic *t)
{
	struct buf b = {0};
	const char *level = t->text;

	for (;;) {
		size_t n = strcspn(level, "/");

		if (memchr(level, '{', n) != NULL)
			buf_putc(&b, '+');
		else
			buf_put(&b, level, n);
		if (level[n] == '\0')
			return buf_steal(&b);
		buf_putc(&b, '/');
		level += n + 1;
	}
}

/* Where the variable that begins at p ends, or NULL. Within a level the first fit of what comes
 * next is right as long as another variable follows; the last one reaches to what ends the level. */
static const char *
variable_end(const struct topic *t, size_t i, const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));
	const char *level_end = slash != NULL ? slash : end;
	struct span next =
	    i + 1 < t->count ? t->pieces[i + 1].text : (struct span){"", 0};
	const char *cut = memchr(next.p, '/', next.n);
	size_t tail = cut != NULL ? (size_t)(cut - next.p) : next.n;

	if ((size_t)(level_end - p) <= tail)
		return NULL;
	if (cut == NULL && i + 2 < t->count)
		return memmem(p + 1, (size_t)(level_end - p - 1), next.p, next.n);
	return level_end - tail;
}

static bool
capture(struct topic_vars *vars, int var, struct span value)
{
	if (vars->v[var].p != NULL && !span_eq(vars->v[var], value))
		return false;
	vars->v[var] = value;
	return true;
}

static __attribute__((noinline)) bool
match_only(const struct topic *t, struct span name, struct span *value)
{
	size_t around = t->before.n + t->behind.n;
	const char *p = name.p + t->before.n;

	if (name.n <= around || memcmp(name.p, t->before.p, t->before.n) != 0 ||
	    memcmp(name.p + name.n - t->behind.n, t->behind.p, t->behind.n) != 0 ||
	    memchr(p, '/', name.n - around) != NULL)
		return false;
	*value = (struct span){p, name.n - around};
	return true;
}

/* Where a literal text that begins at p ends, or NULL; + in it stands for a level, # for all that are left,
 * and "/#" for none as well. */
static const char *
literal_end(struct span text, const char *p, const char *end)
{
	const char *t = text.p, *text_end = t + text.n;

	for (; t < text_end; t++) {
		if (*t == '#' || (p == end && text_end - t == 2 && t[1] == '#'))
			return end;
		if (*t == '+') {
			const char *slash = memchr(p, '/', (size_t)(end - p));

			p = slash != NULL ? slash : end;
		} else if (p == end || *p++ != *t) {
			return NULL;
		}
	}
	return p;
}

/* Piece by piece. */
static __attribute__((noinline)) bool
match_pieces(const struct topic *t, struct span name, struct topic_vars *vars)
{
	const char *p = name.p;
	const char *end = p + name.n;
	size_t i;

	if (t->count == 1 && t->pieces[0].var < 0)
		return topic_filter_matches(t->body, name);
	/* MQTT 5, 4.7.2 */
	if (*t->body == '+' && name.n != 0 && *p == '$')
		return false;
	for (i = 0; i < t->count; i++) {
		const struct piece *piece = &t->pieces[i];
		const char *to = piece->var < 0 ? literal_end(piece->text, p, end)
						: variable_end(t, i, p, end);

		if (to == NULL ||
		    (piece->var >= 0 &&
			!capture(vars, piece->var, (struct span){p, (size_t)(to - p)})))
			return false;
		p = to;
	}
	return p == end;
}

/* For a name whose value has at most 16 bytes, and has at least 16 with what stands before it: three
 * comparisons of 16 bytes each. */
static inline bool
match_brief(const struct topic *t, struct span name, size_t n)
{
	const char *end = name.p + name.n, *value_end = name.p + t->before.n + n;
	const unsigned slashes =
	    ascii_plain_differ(value_end - 16, "////////////////") ^ 0xFFFF;

	return ((ascii_plain_differ(name.p, t->first) & t->first_mask) |
		   (ascii_plain_differ(end - 16, t->last) & t->last_mask) |
		   slashes >> (16 - n)) == 0;
}

bool
topic_match(const struct topic *t, struct span name, struct topic_vars *vars)
{
	const size_t n = name.n - t->before.n - t->behind.n;

	*vars = (struct topic_vars){0};
	if (t->brief && n <= 16 && n > 0 && t->before.n + n >= 16) {
		vars->v[t->only] = (struct span){name.p + t->before.n, n};
		return match_brief(t, name, n);
	}
	if (t->only >= 0)
		return match_only(t, name, &vars->v[t->only]);
	return match_pieces(t, name, vars);
}

/* The levels of a filter and a name, one by one; $-topics are not matched by a leading wildcard
 * (MQTT 5, 4.7.2). */
bool
topic_filter_matches(const char *filter, struct span name)
{
	const char *p = name.p;
	const char *end = p + name.n;

	if (name.n != 0 && *p == '$' && (*filter == '+' || *filter == '#'))
		return false;
	for (;;) {
		size_t want = strcspn(filter, "/");
		const char *slash = memchr(p, '/', (size_t)(end - p));
		size_t have = (size_t)((slash != NULL ? slash : end) - p);

		if (want == 1 && *filter == '#')
			return true;
		if (!(want == 1 && *filter == '+') &&
		    (want != have || memcmp(filter, p, want) != 0))
			return false;
		filter += want;
		p += have;
		if (*filter == '\0' || p == end)
			break;
		filter++;
		p++;
	}
	return (*filter == '\0' && p == end) || (p == end && strcmp(filter, "/#") == 0);
}

/* What may be an id, a topic name, a filter; and the platform's five templates together. */

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
		    _("%s '%.*s...' is longer than %d characters"), what,
		    (int)utf8_cut(id.p, 20), id.p, ID_MAX);
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

static const char *
body_of(const char *filter)
{
	const char *body = without_share(filter, NULL);

	return body != NULL ? body : filter;
}

/* Names that begin with $ match no filter that begins with a wildcard (4.7.2). */
static bool
is_apart(const char *a, const char *b)
{
	return *a == '$' && (*b == '+' || *b == '#');
}

bool
topic_filter_covers(const char *filter, const char *wanted)
{
	if (is_apart(wanted, filter))
		return false;
	/* No name has less than one level. */
	if (strcmp(filter, "+/#") == 0)
		return true;
	for (;;) {
		const size_t n = strcspn(filter, "/"), m = strcspn(wanted, "/");

		if (n == 1 && *filter == '#')
			return true;
		if ((m == 1 && *wanted == '#') ||
		    (!(n == 1 && *filter == '+') &&
			(n != m || memcmp(filter, wanted, n) != 0)))
			return false;
		filter += n;
		wanted += m;
		if (*filter == '\0' || *wanted == '\0')
			break;
		filter++;
		wanted++;
	}
	return strcmp(filter, wanted) == 0 ||
	    (*wanted == '\0' && strcmp(filter, "/#") == 0);
}

bool
topic_filters_overlap(const char *a, const char *b)
{
	a = body_of(a);
	b = body_of(b);
	if (is_apart(a, b) || is_apart(b, a))
		return false;
	for (;;) {
		const size_t n = strcspn(a, "/"), m = strcspn(b, "/");

		if (*a == '#' || *b == '#')
			return true;
		if (*a != '+' && *b != '+' && (n != m || memcmp(a, b, n) != 0))
			return false;
		a += n;
		b += m;
		if (*a == '\0' || *b == '\0')
			break;
		a++;
		b++;
	}
	return strcmp(a, b) == 0 || strcmp(a, "/#") == 0 || strcmp(b, "/#") == 0;
}
