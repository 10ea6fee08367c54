/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists: every page, every object, as the server's own bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/apiparts.h"

/* Before this many pages a list is taken for endless. */
enum { PAGES_MAX = 1000000, LINK_SHOWN = 200 };

static int
each(const char *path, struct span array,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	struct json_iter it = {.value = array};
	int stopped = 0;

	while (stopped == 0 && json_next(&it)) {
		if (json_kind(it.item) != JSON_KIND_OBJECT)
			return err_set(err, ERR_PROTOCOL,
			    _("the API's answer to '%s' is no list of objects"), path);
		stopped = fn(arg, it.item, err);
	}
	return stopped;
}

/* The next page; NULL on the last. A link that cannot be followed would end the list early, and nobody
 * would know. */
static int
take_next(const char *path, struct span page, char **next, struct err *err)
{
	struct span value;
	struct buf link = {0};
	char *whole = NULL;

	*next = NULL;
	if (!json_member(page, "next", &value) || json_kind(value) == JSON_KIND_NULL ||
	    span_is(value, "\"\""))
		return 0;
	if (json_kind(value) == JSON_KIND_STRING) {
		json_unescape(&link, value);
		*next = api_url_next(path, buf_as_span(&link));
	}
	buf_release(&link);
	if (*next != NULL && api_url_path(*next, &whole, NULL) == 0) {
		free(whole);
		return 0;
	}
	free(*next);
	*next = NULL;
	return err_set(err, ERR_PROTOCOL,
	    _("the API's answer to '%s' has a next page that cannot be asked for: %.*s"),
	    path, (int)(value.n < LINK_SHOWN ? value.n : LINK_SHOWN), value.p);
}

int
api_page_read(
    const char *path, struct span body, struct span *array, char **next, struct err *err)
{
	struct span value;

	*next = NULL;
	if (!json_check(body, &value, NULL))
		return err_set(
		    err, ERR_PROTOCOL, _("the API's answer to '%s' is no JSON"), path);
	*array = value;
	if (json_kind(value) == JSON_KIND_ARRAY)
		return 0;
	if (json_kind(value) != JSON_KIND_OBJECT ||
	    !json_member(value, "results", array) || json_kind(*array) != JSON_KIND_ARRAY)
		return err_set(
		    err, ERR_PROTOCOL, _("the API's answer to '%s' is no list"), path);
	return take_next(path, value, next, err);
}

int
api_list(struct api *a, const char *path,
    int (*fn)(void *arg, struct span object, struct err *err), void *arg, struct err *err)
{
	char *at = xstrdup(path);
	int result = 0;
	int pages = 0;

	while (at != NULL && result == 0) {
		struct api_reply reply;
		struct span array = {0};
		char *next = NULL;

		result = api_call(a, "GET", at, (struct span){0}, &reply, err) ||
			api_page_read(at, buf_as_span(&reply.body), &array, &next, err)
		    ? -1
		    : each(at, array, fn, arg, err);
		if (result == 0 && next != NULL &&
		    (strcmp(next, at) == 0 || ++pages == PAGES_MAX))
			result = err_set(
			    err, ERR_PROTOCOL, _("the list '%s' never ends"), path);
		api_reply_release(&reply);
		free(at);
		at = next;
	}
	free(at);
	return result;
}
