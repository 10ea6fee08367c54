/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/random.h"

#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/text.h"

enum { PASSWORD_LETTERS = 24, PIECE = 32 };

static int
fill(unsigned char *bytes, size_t n, struct err *err)
{
	if (getrandom(bytes, n, 0) != (ssize_t)n)
		return err_sys(err, ERR_FAILED, _("no random numbers"));
	return 0;
}

int
random_hex(char *out, size_t n, struct err *err)
{
	unsigned char bytes[PIECE] = {0};
	size_t i;

	n = n < sizeof(bytes) ? n : sizeof(bytes);
	if (fill(bytes, n, err))
		return -1;
	for (i = 0; i < n; i++)
		out[i] = "0123456789abcdef"[bytes[i] & 15];
	out[n] = '\0';
	return 0;
}

int
random_password(char **out, struct err *err)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[PASSWORD_LETTERS];
	size_t i;

	if (fill(bytes, sizeof(bytes), err))
		return -1;
	*out = xcalloc(PASSWORD_LETTERS + 1, 1);
	for (i = 0; i < PASSWORD_LETTERS; i++)
		(*out)[i] = letters[bytes[i] & 63];
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}
