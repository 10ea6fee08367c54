/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/http/guard.h"

#include <string.h>
#include <strings.h>

/* Headers that may come once only. */
static const char *const single[] = {
    "Content-Length", "Transfer-Encoding", "Host", "Authorization", "Content-Type"};
enum { LENGTH, ENCODING, HOST, SINGLES = sizeof(single) / sizeof(single[0]) };

struct seen {
	int times[SINGLES];
	int odd_encoding;
	const char
	    *next; /* where the next line begins; NULL: something was skipped before */
	const char *wrong;
};

static int
is_token(const char *s)
{
	static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *s != '\0' && strspn(s, chars) == strlen(s);
}

/* Of values only what could hide a line or a header from another parser. */
static int
is_clean(const char *s)
{
	for (; s != NULL && *s != '\0'; s++) {
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return 0;
	}
	return 1;
}

/* Where the line behind one that ends with `s` begins: CR, and LF by some, were made NULs. */
static const char *
behind_line(const char *s)
{
	return s + strlen(s) + 2;
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Where the line behind that of a value begins. libmicrohttpd 1.0 cuts off blanks behind the value: the first of them
 * is the NUL then, and the others are there, and CR and LF. */
static const char *
behind_value(const char *value)
{
	const char *end = skip_blanks(value + strlen(value) + 1);

	return end[0] == '\r' && end[1] == '\n' ? end + 2 : behind_line(value);
}

/* Notes whether the header begins where the line before it ended, with its value behind the colon and blanks. */
static void
follow(struct seen *seen, const char *name, const char *value)
{
	const char *at = seen->next;

	if (at != name || value == NULL) {
		seen->next = NULL;
		return;
	}
	at += strlen(name) + 1;
	while (at < value && (*at == ' ' || *at == '\t'))
		at++;
	seen->next = at == value ? behind_value(value) : NULL;
}

static enum MHD_Result
check_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct seen *seen = arg;
	int i;

	(void)kind;
	follow(seen, name, value);
	if (!is_token(name) || !is_clean(value))
		seen->wrong = "a header's name or value has forbidden characters";
	for (i = 0; i < SINGLES; i++)
		seen->times[i] += strcasecmp(name, single[i]) == 0;
	/* Any other coding would leave the request without an end. */
	if (strcasecmp(name, single[ENCODING]) == 0 &&
	    (value == NULL || strcasecmp(value, "chunked") != 0))
		seen->odd_encoding = 1;
	return MHD_YES;
}

/* Behind the last header there is the empty line, and then nothing that the library counts to the head. */
static int
is_whole(struct MHD_Connection *c, const char *method, const struct seen *seen)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return seen->next != NULL && info != NULL &&
	    seen->next + 2 == method + info->header_size;
}

const char *
guard_head(
    struct MHD_Connection *c, const char *method, struct span target, const char *version)
{
	struct seen seen = {.next = behind_line(version)};
	int i;

	if (!is_token(method) || target.p != method + strlen(method) + 1 ||
	    version != target.p + target.n + 1)
		return "the request line is malformed";
	MHD_get_connection_values(c, MHD_HEADER_KIND, check_header, &seen);
	if (seen.wrong != NULL)
		return seen.wrong;
	if (!is_whole(c, method, &seen))
		return "a header is malformed, or a line ends without CR and LF";
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return "the version is neither HTTP/1.1 nor HTTP/1.0";
	for (i = 0; i < SINGLES; i++) {
		if (seen.times[i] > 1)
			return "a header is repeated that may come once only";
	}
	if (seen.times[LENGTH] != 0 && seen.times[ENCODING] != 0)
		return "Content-Length and Transfer-Encoding exclude each other";
	if (seen.times[ENCODING] != 0 && strcmp(version, "HTTP/1.0") == 0)
		return "HTTP/1.0 has no Transfer-Encoding";
	if (seen.odd_encoding)
		return "the only transfer coding here is chunked";
	if (strcmp(version, "HTTP/1.1") == 0 && seen.times[HOST] == 0)
		return "the header Host is missing";
	return NULL;
}
