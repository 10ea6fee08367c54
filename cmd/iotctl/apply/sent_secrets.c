/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/apply/sent_secrets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/state_version.h"
#include "base/text.h"
#include "iotctl/core/view.h"

enum { FILE_MAX = 64 << 20, VERSION = 1 };

static void
put_hex(char *out, const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static bool
take_hex(const char *s, unsigned char *out, size_t n)
{
	size_t i;

	if (s == NULL || strlen(s) != 2 * n || strspn(s, "0123456789abcdef") != strlen(s))
		return false;
	for (i = 0; i < n; i++) {
		char pair[] = {s[2 * i], s[2 * i + 1], '\0'};

		out[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return true;
}

/* What the file has, NULL when there is none or nothing that can be used. One that must not be replaced is given
 * up, too. */
static json_t *
read_known(struct sent_secrets *m)
{
	struct buf text = {0};
	struct err why = {0};
	json_t *all = NULL;

	if (m->path != NULL && access(m->path, F_OK) == 0 &&
	    file_read_private(m->path, FILE_MAX, &text, &why) == 0)
		all = json_loadb(buf_as_span(&text).p, text.n, 0, NULL);
	if (json_is_object(all) &&
	    state_version_accept(m->path, buf_as_span(&text), 0600,
		json_integer_value(json_object_get(all, "version")), VERSION, &why)) {
		json_decref(all);
		all = NULL;
		free(m->path);
		m->path = NULL;
	}
	if (why.code != ERR_OK)
		log_warn("%s", why.text);
	buf_release(&text);
	return all;
}

void
sent_secrets_load(struct sent_secrets *m, struct ctl *c, const char *prefix)
{
	const char *context =
	    c->args->common.context != NULL ? c->args->common.context : "default";
	char *name = xasprintf("%s-%s.json", prefix, context);
	struct err why = {0};

	*m = (struct sent_secrets){0};
	m->path = strchr(context, '/') == NULL ? file_state_path(name) : NULL;
	free(name);
	m->all = read_known(m);
	if (json_is_object(m->all) &&
	    take_hex(json_string_value(json_object_get(m->all, "key")), m->key,
		sizeof(m->key)))
		return;
	json_decref(m->all);
	m->all = json_object();
	if (random_bytes(m->key, sizeof(m->key), &why) == 0) {
		char hex[2 * sizeof(m->key) + 1];

		put_hex(hex, m->key, sizeof(m->key));
		json_object_set_new(m->all, "key", json_string(hex));
	} else {
		free(m->path);
		m->path = NULL;
	}
}

static char *
place_of(
    struct ctl *c, const struct schema_resource *r, const char *name, const char *field)
{
	return xasprintf("%s %s %s %s", rest_base(c->api), r->name, field, name);
}

/* With the place in it, the same password in two places has two hashes (free). */
static char *
keyed_hash(const struct sent_secrets *m, const char *place, const char *secret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char *text = xasprintf("%s\n%s", place, secret);
	unsigned n = 0;
	char *hex;

	HMAC(EVP_sha256(), m->key, sizeof(m->key), (const unsigned char *)text,
	    strlen(text), digest, &n);
	mem_free_secret(text);
	hex = xcalloc(2 * n + 1, 1);
	put_hex(hex, digest, n);
	return hex;
}

bool
sent_secrets_same(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret)
{
	char *place = place_of(c, r, name, field);
	char *hash = keyed_hash(m, place, secret);
	const char *known = json_string_value(json_object_get(m->all, place));
	bool same = known != NULL && strcmp(known, hash) == 0;

	free(hash);
	free(place);
	return same;
}

void
sent_secrets_put(struct sent_secrets *m, struct ctl *c, const struct schema_resource *r,
    const char *name, const char *field, const char *secret)
{
	char *place = place_of(c, r, name, field);
	char *hash = keyed_hash(m, place, secret);

	json_object_set_new(m->all, place, json_string(hash));
	m->changed = true;
	free(hash);
	free(place);
}

void
sent_secrets_save(struct sent_secrets *m)
{
	struct err why = {0};
	char *text;

	if (!m->changed || m->path == NULL)
		return;
	json_object_set_new(m->all, "version", json_integer(VERSION));
	text = json_dumps(m->all, JSON_COMPACT);
	if (file_write(m->path, span_of(text), 0600, &why))
		log_warn("%s", why.text);
	free(text);
	m->changed = false;
}

void
sent_secrets_end(struct sent_secrets *m)
{
	sent_secrets_save(m);
	json_decref(m->all);
	free(m->path);
	explicit_bzero(m->key, sizeof(m->key));
	*m = (struct sent_secrets){0};
}

void
sent_secrets_note_one(struct ctl *c, const struct schema_resource *r, const char *name,
    const char *field, const char *secret)
{
	struct sent_secrets m = {0};

	sent_secrets_load(&m, c, "applied");
	sent_secrets_put(&m, c, r, name, field, secret);
	sent_secrets_end(&m);
}

void
sent_secrets_note(
    struct ctl *c, const struct schema_resource *r, struct span object, json_t *body)
{
	char *name = r->keys[0] != NULL ? view_text_of(object, r->keys[0]) : xstrdup("");
	const char *key;
	json_t *value;

	json_object_foreach (body, key, value) {
		const struct schema_field *f = schema_field(r, key);

		if (f != NULL && (f->flags & SCHEMA_WRITE_ONLY) != 0 &&
		    json_is_string(value) && name[0] != '\0')
			sent_secrets_note_one(c, r, name, key, json_string_value(value));
	}
	free(name);
}
