/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rest/token_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state_version.h"
#include "base/text.h"

enum { VERSION = 1 };

/* Whose tokens a file holds. */
enum whose { NOBODYS = -1, ANOTHERS, OURS, A_NEWER_PROGRAMS };

void
token_cache_release(struct token_cache *t)
{
	mem_free_secret(t->access);
	mem_free_secret(t->refresh);
	free(t->auth_path);
	*t = (struct token_cache){0};
}

/* (Free.) NULL without a home directory. */
static char *
cache_path(const struct token_cache_key *key, const char *suffix)
{
	const char *context = key->context != NULL ? key->context : "default";
	char *name = xasprintf("token-%s.%s", context, suffix);
	char *path = strchr(context, '/') == NULL ? file_state_path(name) : NULL;

	free(name);
	return path;
}

static const char *
member(json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s != NULL ? s : "";
}

static bool
take_tokens(json_t *object, struct token_cache *t)
{
	const char *access = member(object, "access");
	const char *refresh = member(object, "refresh");

	if (access[0] == '\0')
		return false;
	/* An answer without a new refresh token leaves the old one valid. */
	if (refresh[0] != '\0') {
		mem_free_secret(t->refresh);
		t->refresh = xstrdup(refresh);
	}
	mem_free_secret(t->access);
	t->access = xstrdup(access);
	return true;
}

bool
token_cache_parse(struct span body, struct token_cache *t)
{
	json_t *object = json_loadb(body.p, body.n, 0, NULL);
	bool found = take_tokens(object, t);

	json_decref(object);
	return found;
}

static bool
is_ours(const struct token_cache_key *key, json_t *object)
{
	return strcmp(member(object, "url"), key->base) == 0 &&
	    (key->username == NULL ||
		strcmp(member(object, "username"), key->username) == 0);
}

/* The file beside the context's own, by platform. (Free; NULL without a home.) */
static char *
other_path(const struct token_cache_key *key)
{
	char suffix[40];

	snprintf(suffix, sizeof(suffix), "%016llx.json",
	    (unsigned long long)hash_of(span_of(key->base)));
	return cache_path(key, suffix);
}

static enum whose
whose_is(
    const struct token_cache_key *key, const char *path, json_t *object, struct err *err)
{
	if (object == NULL)
		return NOBODYS;
	if (state_version_check(path,
		json_integer_value(json_object_get(object, "version")), VERSION, err))
		return A_NEWER_PROGRAMS;
	return is_ours(key, object) ? OURS : ANOTHERS;
}

/* Tokens that are the key's are taken, if `t` is not NULL, which also asks for warnings. */
static enum whose
read_cache(const struct token_cache_key *key, const char *path, struct token_cache *t,
    struct err *why)
{
	char *text = NULL;
	json_t *object = NULL;
	enum whose whose;

	if (path == NULL || access(path, F_OK) != 0)
		return NOBODYS;
	if (file_read_secret(path, &text, why) == 0)
		object = json_loads(text, 0, NULL);
	whose = whose_is(key, path, object, why);
	if (t != NULL && why->code != ERR_OK)
		log_warn("%s", why->text);
	if (whose == OURS && t != NULL && take_tokens(object, t) &&
	    member(object, "auth_path")[0] == '/')
		t->auth_path = xstrdup(member(object, "auth_path"));
	json_decref(object);
	mem_free_secret(text);
	return whose;
}

void
token_cache_load(const struct token_cache_key *key, struct token_cache *t)
{
	char *path = cache_path(key, "json");
	char *other = other_path(key);
	struct err why = {0};

	token_cache_release(t);
	if (read_cache(key, path, t, &why) == ANOTHERS)
		read_cache(key, other, t, &why);
	free(other);
	free(path);
}

int
token_cache_save(const struct token_cache_key *key, const struct token_cache *t,
    const char *username, bool own, struct err *err)
{
	char *path = cache_path(key, "json");
	json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s*}", "version", VERSION,
	    "url", key->base, "username", username, "access", t->access, "refresh",
	    t->refresh != NULL ? t->refresh : "", "auth_path", t->auth_path);
	char *text = json_dumps(object, JSON_COMPACT);
	struct err why = {0};
	enum whose there = read_cache(key, path, NULL, &why);
	int failed;

	if (!own && there == ANOTHERS) {
		free(path);
		path = other_path(key);
		there = read_cache(key, path, NULL, &why);
	}
	if (there == A_NEWER_PROGRAMS)
		failed = err_set(err, ERR_OUTPUT, "%s", why.text);
	else if (path == NULL)
		failed = err_set(
		    err, ERR_OUTPUT, _("no place for the token cache: HOME is not set"));
	else
		failed = file_write(path, span_of(text), 0600, err);
	json_decref(object);
	mem_free_secret(text);
	free(path);
	return failed;
}

int
token_cache_forget(const struct token_cache_key *key, struct err *err)
{
	char *paths[] = {cache_path(key, "json"), other_path(key)};
	int failed = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		if (paths[i] != NULL && unlink(paths[i]) != 0 && errno != ENOENT)
			failed =
			    err_sys(err, ERR_OUTPUT, _("cannot remove '%s'"), paths[i]);
		free(paths[i]);
	}
	return failed;
}

int
token_cache_lock(const struct token_cache_key *key)
{
	char *path = cache_path(key, "lock");
	char *slash = path != NULL ? strrchr(path, '/') : NULL;
	int fd = -1;
	bool held;

	if (slash != NULL) {
		*slash = '\0';
		file_make_dir(path, NULL);
		*slash = '/';
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	free(path);
	if (fd < 0)
		return -2;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	held = errno == EWOULDBLOCK;
	close(fd);
	return held ? -1 : -2;
}
