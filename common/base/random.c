/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { PASSWORD_LETTERS = 24 };

int
random_bytes(void *out, size_t n, struct err *err)
{
	if (getentropy(out, n) != 0)
		return err_sys(err, ERR_FAILED, _("no random numbers"));
	return 0;
}

/* One letter of 2^k for each byte: none is likelier than another. */
static int
put_letters(char *out, size_t n, const char *letters, unsigned mask, struct err *err)
{
	unsigned char bytes[RANDOM_MOST];
	size_t i;

	if (random_bytes(bytes, n, err))
		return -1;
	for (i = 0; i < n; i++)
		out[i] = letters[bytes[i] & mask];
	out[n] = '\0';
	explicit_bzero(bytes, n);
	return 0;
}

int
random_hex(char *out, size_t n, struct err *err)
{
	return put_letters(out, n, "0123456789abcdef", 15, err);
}

int
random_password(char **out, struct err *err)
{
	char *password = xmalloc(PASSWORD_LETTERS + 1);

	if (put_letters(password, PASSWORD_LETTERS,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 63,
		err)) {
		free(password);
		return -1;
	}
	*out = password;
	return 0;
}

uint64_t
random_number(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)clock_wall_us();
	return number;
}
