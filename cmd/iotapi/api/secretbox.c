/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/secretbox.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

enum { KEY = 32, NONCE = 12, TAG = 16 };

struct secretbox {
	unsigned char key[KEY];
	char *path;
};

static int
make_key(const char *path, struct err *err)
{
	unsigned char key[KEY];
	struct buf b = {0};
	int failed;

	if (random_bytes(key, sizeof(key), err))
		return -1;
	base64_put(&b, (struct span){(const char *)key, sizeof(key)});
	buf_putc(&b, '\n');
	failed = file_write_new(path, buf_as_span(&b), 0600, err);
	explicit_bzero(b.p, b.n);
	buf_release(&b);
	explicit_bzero(key, sizeof(key));
	return failed;
}

int
secretbox_open(struct secretbox **out, const char *path, bool may_make, struct err *err)
{
	unsigned char key[KEY * 2];
	char *text = NULL;
	struct secretbox *s;

	*out = NULL;
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		if (!may_make)
			return err_set(err, ERR_USAGE,
			    _("'%s' is not there and the database has secrets sealed "
			      "with it: put the key back"),
			    path);
		if (make_key(path, err))
			return -1;
	}
	if (file_read_secret(path, &text, err))
		return -1;
	if (strlen(text) > KEY * 2 || base64_decode(key, span_of(text)) != KEY) {
		mem_free_secret(text);
		return err_set(err, ERR_USAGE, _("'%s' holds no key of iotapi"), path);
	}
	mem_free_secret(text);
	s = xcalloc(1, sizeof(*s));
	memcpy(s->key, key, KEY);
	explicit_bzero(key, sizeof(key));
	s->path = xstrdup(path);
	*out = s;
	return 0;
}

void
secretbox_close(struct secretbox *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s->key, KEY);
	free(s->path);
	free(s);
}

char *
secretbox_put(
    const struct secretbox *s, const char *label, const char *secret, struct err *err)
{
	size_t n = strlen(secret);
	unsigned char *box = xmalloc(NONCE + n + TAG);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	struct buf text = {0};
	int len;
	bool good = c != NULL && random_bytes(box, NONCE, NULL) == 0 &&
	    EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, box) == 1 &&
	    EVP_EncryptUpdate(
		c, NULL, &len, (const unsigned char *)label, (int)strlen(label)) == 1 &&
	    EVP_EncryptUpdate(
		c, box + NONCE, &len, (const unsigned char *)secret, (int)n) == 1 &&
	    EVP_EncryptFinal_ex(c, box + NONCE + n, &len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, box + NONCE + n) == 1;

	EVP_CIPHER_CTX_free(c);
	if (good)
		base64_put(&text, (struct span){(const char *)box, NONCE + n + TAG});
	else
		err_set(err, ERR_FAILED, _("cannot seal a secret"));
	free(box);
	return good ? buf_steal(&text) : NULL;
}

char *
secretbox_get(
    const struct secretbox *s, const char *label, struct span sealed, struct err *err)
{
	unsigned char *box = xmalloc(sealed.n + 1);
	int n = base64_decode(box, sealed) - NONCE - TAG;
	char *secret = xcalloc(1, n > 0 ? (size_t)n + 1 : 1);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len;
	bool good = c != NULL && n >= 0 &&
	    EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, box) == 1 &&
	    EVP_DecryptUpdate(
		c, NULL, &len, (const unsigned char *)label, (int)strlen(label)) == 1 &&
	    EVP_DecryptUpdate(c, (unsigned char *)secret, &len, box + NONCE, n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, box + NONCE + n) == 1 &&
	    EVP_DecryptFinal_ex(c, (unsigned char *)secret + n, &len) == 1;

	EVP_CIPHER_CTX_free(c);
	free(box);
	if (good)
		return secret;
	mem_free_secret(secret);
	err_set(err, ERR_FAILED, _("a sealed secret does not open with the key in '%s'"),
	    s->path);
	return NULL;
}
