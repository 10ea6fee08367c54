/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users by name, what the broker has of them, and what is to be done. */
#include <stdio.h>
#include <stdlib.h>

#include "access/device_password.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/output/show.h"
#include "iotctl/sync/sync.h"

struct sync_user *
sync_find(struct sync *s, const char *username)
{
	struct hash_search at = hash_find(&s->index, hash_of(span_of(username)));
	size_t i;

	while (hash_next(&at, &i)) {
		if (strcmp(s->v[i].username, username) == 0)
			return &s->v[i];
	}
	return NULL;
}

struct sync_user *
sync_user(struct sync *s, const char *username)
{
	struct sync_user *u = sync_find(s, username);

	if (u != NULL)
		return u;
	if ((s->n & (s->n - 1)) == 0)
		s->v = xreallocarray(s->v, s->n != 0 ? 2 * s->n : 1, sizeof(*s->v));
	s->v[s->n] = (struct sync_user){.username = xstrdup(username)};
	hash_table_add(&s->index, hash_of(span_of(username)), s->n);
	return &s->v[s->n++];
}

static void
append(char **text, const char *more)
{
	char *before = *text;

	*text = before != NULL ? xasprintf("%s%s", before, more) : xstrdup(more);
	free(before);
}

struct sync_user *
sync_found(
    struct sync *s, const char *username, bool there, const char *hash, const char *rules)
{
	struct sync_user *u = sync_user(s, username);

	u->there |= there;
	if (hash != NULL && u->hash_there == NULL)
		u->hash_there = xstrdup(hash);
	if (rules != NULL && rules[0] != '\0')
		append(&u->rules_there, rules);
	return u;
}

/* The password in the form that it is sent in. */
static const char *
secret_of(const struct sync_user *u)
{
	return u->password != NULL ? u->password : u->hash;
}

/* The name in the record of what was sent (free). */
static char *
place_of(const struct sync *s, const struct sync_user *u)
{
	return xasprintf("%s %s %s", s->driver->name, s->name, u->username);
}

bool
sync_was_sent(struct sync *s, const struct sync_user *u)
{
	char *place = place_of(s, u);
	bool same = sent_secrets_same(
	    &s->sent, s->c, schema_find("broker"), place, "login", secret_of(u));

	free(place);
	return same;
}

void
sync_done(struct sync *s, struct sync_user *u)
{
	char *place = place_of(s, u);

	if ((u->todo & (SYNC_LOGIN | SYNC_PASSWORD)) != 0 && !u->certified)
		sent_secrets_put(
		    &s->sent, s->c, schema_find("broker"), place, "login", secret_of(u));
	s->made += (u->todo & SYNC_LOGIN) != 0;
	s->given += (u->todo & SYNC_PASSWORD) != 0;
	s->ruled += (u->todo & SYNC_RULES) != 0;
	s->removed += (u->todo & SYNC_REMOVE) != 0;
	u->done = true;
	progress_at(&s->progress, ++s->done);
	free(place);
}

void
sync_failed(struct sync *s, struct sync_user *u, const struct err *why)
{
	progress_hide(&s->progress);
	log_err(why);
	u->failed = true;
	s->failed++;
}

static bool
has_password(struct sync *s, const struct sync_user *u)
{
	if (u->hash_there == NULL)
		return sync_was_sent(s, u);
	return u->password != NULL ? device_password_matches(u->password, u->hash_there)
				   : strcmp(u->hash, u->hash_there) == 0;
}

static bool
same_rules(const struct sync_user *u)
{
	const char *want = u->rules != NULL ? u->rules : "";
	const char *got = u->rules_there != NULL ? u->rules_there : "";

	return strcmp(want, got) == 0;
}

static void
plan_wanted(struct sync *s, struct sync_user *u)
{
	bool can_log_in = u->there || secret_of(u) != NULL || u->certified;

	if (!can_log_in && u->device != NULL)
		s->unreachable++;
	else if (!can_log_in)
		s->unreachable_services++;
	if (!u->there && can_log_in && !(u->certified && s->driver->rules_alone))
		u->todo |= SYNC_LOGIN;
	else if (u->there && !u->certified && secret_of(u) != NULL && !has_password(s, u))
		u->todo |= SYNC_PASSWORD;
	if ((can_log_in || s->driver->rules_alone) && !same_rules(u))
		u->todo |= SYNC_RULES;
}

size_t
sync_plan(struct sync *s, struct err *err)
{
	size_t n = 0, i;

	(void)err;
	for (i = 0; i < s->n; i++) {
		struct sync_user *u = &s->v[i];
		bool held = u->there || u->rules_there != NULL;

		u->todo = 0;
		if (!u->known && held && !u->kept)
			s->strangers++;
		if (u->failed)
			continue;
		if (u->wanted && u->chosen)
			plan_wanted(s, u);
		else if (held &&
		    ((u->known && !u->wanted && u->chosen) ||
			(!u->known && !u->kept && s->c->args->prune)))
			u->todo = SYNC_REMOVE;
		n += u->todo != 0;
	}
	return n;
}

size_t
sync_count(const struct sync *s, unsigned todo)
{
	size_t n = 0, i;

	for (i = 0; i < s->n; i++)
		n += (s->v[i].todo & todo) != 0;
	return n;
}

/* Lines of `a` that `b` has not. */
static void
show_lines(char sign, const char *a, const char *b)
{
	struct strv lines = {0}, others = {0};
	size_t i, k;

	strv_split(&lines, a != NULL ? a : "", '\n');
	strv_split(&others, b != NULL ? b : "", '\n');
	for (i = 0; i < lines.n; i++) {
		char *shown;

		for (k = 0; k < others.n && strcmp(lines.v[i], others.v[k]) != 0; k++)
			;
		if (k < others.n)
			continue;
		shown = show_text(lines.v[i]);
		printf("%c   %s\n", sign, shown);
		free(shown);
	}
	strv_release(&lines);
	strv_release(&others);
}

static bool
is_out(const struct sync_user *u)
{
	return u->wanted && u->chosen && !u->failed && !u->there && !u->certified &&
	    (u->todo & SYNC_LOGIN) == 0;
}

static void
show_user(const struct sync_user *u)
{
	char sign = (u->todo & SYNC_REMOVE) != 0 ? '-'
	    : (u->todo & SYNC_LOGIN) != 0        ? '+'
	    : is_out(u)                          ? '?'
						 : ' ';
	char *name = show_text(u->username);

	printf(is_out(u) ? _("%c login '%s': its password is not known here\n")
			 : _("%c login '%s'\n"),
	    sign, name);
	free(name);
	if ((u->todo & SYNC_REMOVE) != 0)
		return;
	if ((u->todo & (SYNC_LOGIN | SYNC_PASSWORD)) != 0 && !u->certified)
		printf("+   %s: ********\n", _("password"));
	if ((u->todo & SYNC_RULES) == 0)
		return;
	show_lines('-', u->rules_there, u->rules);
	show_lines('+', u->rules, u->rules_there);
}

void
sync_show(const struct sync *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].todo != 0 || is_out(&s->v[i]))
			show_user(&s->v[i]);
	}
}
