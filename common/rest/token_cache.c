/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token cache: one small file a context, for its owner only, and one for each other platform or user
 * that is asked for once within it: that must not end the context's login. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest_int.h"
#include "rest/token_cache.h"

void
token_cache_release(struct token_cache *t)
{
	mem_free_secret(t->access);
	mem_free_secret(t->refresh);
	*t = (struct token_cache){0};
}

/* NULL without a home directory. */
static char *
cache_path(const struct rest *a, const char *suffix)
{
	const char *context = a->opts.context != NULL ? a->opts.context : "default";
	char *name = xasprintf("token-%s.%s", context, suffix);
	char *path = strchr(context, '/') == NULL ? file_state_path(name) : NULL;

	free(name);
	return path;
}

static const char *
member(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

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

/* A token goes only where it came from, and only for the user who is asked for. */
static bool
is_ours(const struct rest *a, json_t *object)
{
	return strcmp(member(object, "url"), a->base) == 0 &&
	    (a->opts.username == NULL ||
		strcmp(member(object, "username"), a->opts.username) == 0);
}

/* The place beside the context's own (free; NULL without a home). */
static char *
other_path(const struct rest *a)
{
	uint64_t h = 14695981039346656037u;
	const char *at;
	char suffix[40];

	for (at = a->base; *at != '\0'; at++)
		h = (h ^ (unsigned char)*at) * 1099511628211u;
	snprintf(suffix, sizeof(suffix), "%016llx.json", (unsigned long long)h);
	return cache_path(a, suffix);
}

/* What a file holds for us: 1, or 0 for somebody else, or -1 for nothing. */
static int
read_cache(const struct rest *a, const char *path, struct token_cache *t)
{
	struct err why = {0};
	char *text = NULL;
	json_t *object = NULL;
	int whose = -1;

	if (path == NULL || access(path, F_OK) != 0)
		return -1;
	if (file_read_secret(path, &text, &why) == 0)
		object = json_loads(text, 0, NULL);
	else if (t != NULL)
		log_warn("%s", why.text);
	if (object != NULL)
		whose = is_ours(a, object);
	if (whose == 1 && t != NULL)
		take_tokens(object, t);
	json_decref(object);
	mem_free_secret(text);
	return whose;
}

void
token_cache_load(const struct rest *a, struct token_cache *t)
{
	char *path = cache_path(a, "json");
	char *other = other_path(a);

	token_cache_release(t);
	if (read_cache(a, path, t) == 0)
		read_cache(a, other, t);
	free(other);
	free(path);
}

int
token_cache_save(const struct rest *a, const struct token_cache *t, const char *username,
    bool own, struct err *err)
{
	char *path = cache_path(a, "json");
	json_t *object =
	    json_pack("{s:s, s:s, s:s, s:s}", "url", a->base, "username", username,
		"access", t->access, "refresh", t->refresh != NULL ? t->refresh : "");
	char *text = json_dumps(object, JSON_COMPACT);
	int failed;

	if (!own && read_cache(a, path, NULL) == 0) {
		free(path);
		path = other_path(a);
	}
	if (path == NULL)
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
token_cache_forget(const struct rest *a, struct err *err)
{
	char *paths[] = {cache_path(a, "json"), other_path(a)};
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
token_cache_lock(const struct rest *a)
{
	char *path = cache_path(a, "lock");
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
