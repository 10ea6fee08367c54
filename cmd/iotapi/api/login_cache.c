/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotapi/api/login_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

/* RFC 2104, 5: an HMAC may be cut to half of its length. */
enum { KEY = 32, DIGEST = 32, TAG = DIGEST / 2 };

/* The youngest first; zeros: none yet. */
struct set {
	unsigned char tags[LOGIN_CACHE_WAYS][TAG];
};

static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	unsigned char key[KEY];
	struct set *sets; /* NULL: no key */
} cache = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void
begin(void)
{
	struct err why = {0};

	if (random_bytes(cache.key, sizeof(cache.key), &why) == 0)
		cache.sets = xcalloc(LOGIN_CACHE_SETS, sizeof(*cache.sets));
	else
		log_err(&why);
}

/* The set is told by bytes that the tag does not have. NULL: nothing is kept. */
static struct set *
find_set(const char *password, const char *hash, unsigned char digest[DIGEST])
{
	char *text;
	unsigned n = DIGEST;

	pthread_once(&cache.once, begin);
	if (cache.sets == NULL)
		return NULL;
	text = xasprintf("%s\n%s", hash, password);
	HMAC(EVP_sha256(), cache.key, sizeof(cache.key), (const unsigned char *)text,
	    strlen(text), digest, &n);
	mem_free_secret(text);
	return &cache.sets[(digest[TAG] << 8 | digest[TAG + 1]) % LOGIN_CACHE_SETS];
}

bool
login_cache_has(const char *password, const char *hash)
{
	unsigned char digest[DIGEST];
	struct set *set = find_set(password, hash, digest);
	bool found = false;

	if (set == NULL)
		return false;
	pthread_mutex_lock(&cache.lock);
	for (int i = 0; i < LOGIN_CACHE_WAYS; i++)
		found |= CRYPTO_memcmp(set->tags[i], digest, TAG) == 0;
	pthread_mutex_unlock(&cache.lock);
	return found;
}

void
login_cache_add(const char *password, const char *hash)
{
	unsigned char digest[DIGEST];
	struct set *set = find_set(password, hash, digest);

	if (set == NULL)
		return;
	pthread_mutex_lock(&cache.lock);
	memmove(set->tags[1], set->tags[0], sizeof(set->tags) - TAG);
	memcpy(set->tags[0], digest, TAG);
	pthread_mutex_unlock(&cache.lock);
}
