/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The token cache: one small file a context, for its owner only. */
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
#include "net/apiparts.h"

void
api_tokens_release(struct api_tokens *t)
{
	secret_free(t->access);
	secret_free(t->refresh);
	*t = (struct api_tokens){0};
}

/* NULL without a home directory. */
static char *
cache_path(const struct api *a, const char *suffix)
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
take_tokens(json_t *object, struct api_tokens *t)
{
	const char *access = member(object, "access");
	const char *refresh = member(object, "refresh");

	if (access[0] == '\0')
		return false;
	/* An answer without a new refresh token leaves the old one valid. */
	if (refresh[0] != '\0') {
		secret_free(t->refresh);
		t->refresh = xstrdup(refresh);
	}
	secret_free(t->access);
	t->access = xstrdup(access);
	return true;
}

bool
api_tokens_parse(struct span body, struct api_tokens *t)
{
	json_t *object = json_loadb(body.p, body.n, 0, NULL);
	bool found = take_tokens(object, t);

	json_decref(object);
	return found;
}

/* A token goes only where it came from, and only for the user who is asked for. */
static bool
is_ours(const struct api *a, json_t *object)
{
	return strcmp(member(object, "url"), a->base) == 0 &&
	    (a->opts.username == NULL ||
		strcmp(member(object, "username"), a->opts.username) == 0);
}

void
api_tokens_load(const struct api *a, struct api_tokens *t)
{
	char *path = cache_path(a, "json");
	struct err why = {0};
	char *text = NULL;
	json_t *object;

	api_tokens_release(t);
	if (path == NULL || access(path, F_OK) != 0) {
		free(path);
		return;
	}
	if (file_read_secret(path, &text, &why)) {
		log_warn("%s", why.text);
	} else {
		object = json_loads(text, 0, NULL);
		if (is_ours(a, object))
			take_tokens(object, t);
		json_decref(object);
	}
	secret_free(text);
	free(path);
}

int
api_tokens_save(const struct api *a, const struct api_tokens *t, const char *username,
    struct err *err)
{
	char *path = cache_path(a, "json");
	json_t *object =
	    json_pack("{s:s, s:s, s:s, s:s}", "url", a->base, "username", username,
		"access", t->access, "refresh", t->refresh != NULL ? t->refresh : "");
	char *text = json_dumps(object, JSON_COMPACT);
	int failed;

	if (path == NULL)
		failed = err_set(
		    err, ERR_OUTPUT, _("no place for the token cache: HOME is not set"));
	else
		failed = file_write(path, span_of(text), 0600, err);
	json_decref(object);
	secret_free(text);
	free(path);
	return failed;
}

int
api_tokens_forget(const struct api *a, struct err *err)
{
	char *path = cache_path(a, "json");
	int failed = 0;

	if (path != NULL && unlink(path) != 0 && errno != ENOENT)
		failed = err_sys(err, ERR_OUTPUT, _("cannot remove '%s'"), path);
	free(path);
	return failed;
}

int
api_tokens_lock(const struct api *a)
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
