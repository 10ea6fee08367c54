/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unbase64.h"

#include <openssl/evp.h>

int
unbase64(unsigned char *out, struct span s)
{
	int n;

	if (s.n == 0 || s.n % 4 != 0 || s.n > 1 << 20)
		return -1;
	n = EVP_DecodeBlock(out, (const unsigned char *)s.p, (int)s.n);
	if (n < 0)
		return -1;
	return n - (s.p[s.n - 1] == '=') - (s.p[s.n - 2] == '=');
}
