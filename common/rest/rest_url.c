/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses: the base, a request's path, the next page. */
#include "rest/rest_url.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

static bool
has_suffix(const char *s, size_t n, const char *suffix)
{
	size_t m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* Bytes that belong in no URL: they would split the request line or hide a host. */
static bool
has_bad_byte(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c >= 0x7F || c == '\\' || c == '#')
			return true;
	}
	return false;
}

static size_t
scheme_len(const char *url)
{
	static const char *const schemes[] = {"http://", "https://"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	}
	return 0;
}

int
rest_url_base(const char *url, char **out, struct err *err)
{
	size_t scheme = scheme_len(url);
	size_t n = strlen(url);
	size_t host = strcspn(url + scheme, "/?");

	if (scheme == 0 || host == 0 || has_bad_byte(url) || strchr(url, '?') != NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s' is no API URL such as http://localhost:8000"), url);
	if (memchr(url + scheme, '@', host) != NULL)
		return err_set(err, ERR_USAGE,
		    _("an API URL must not hold a password: use --api-username and "
		      "--password-file"));
	while (n > scheme && url[n - 1] == '/')
		n--;
	if (has_suffix(url, n, "/api"))
		n -= strlen("/api");
	while (n > scheme && url[n - 1] == '/')
		n--;
	*out = xstrndup(url, n);
	return 0;
}

int
rest_url_bare(const char *path, char **out, struct err *err)
{
	if (path[0] != '/' || path[1] == '/' || has_bad_byte(path))
		return err_set(err, ERR_USAGE,
		    _("'%s' is no path such as /api/mqtt/brokers/"), path);
	*out = xstrdup(path);
	return 0;
}

int
rest_url_path(const char *path, char **out, struct err *err)
{
	size_t n = strcspn(path, "?");

	if (rest_url_bare(path, out, err))
		return -1;
	if (strncmp(path, "/api/", 5) == 0 && path[n - 1] != '/') {
		free(*out);
		*out = xasprintf("%.*s/%s", (int)n, path, path + n);
	}
	return 0;
}

/* The path stays ours: behind a proxy the server makes links of its own inner address. */
char *
rest_url_next(const char *path, struct span next)
{
	const char *query = next.n != 0 ? memchr(next.p, '?', next.n) : NULL;

	if (query == NULL)
		return NULL;
	return xasprintf("%.*s%.*s", (int)strcspn(path, "?"), path,
	    (int)(next.n - (size_t)(query - next.p)), query);
}

void
rest_url_escape(struct buf *out, struct span s)
{
	/* RFC 3986, section 2.3: of ASCII, whatever the locale. */
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
					 "uvwxyz0123456789-._~";
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c != '\0' && strchr(unreserved, c) != NULL)
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}
