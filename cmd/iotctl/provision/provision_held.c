/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/provision/provision_held.h"

#include <stdio.h>
#include <stdlib.h>

#include "rest/rest_url.h"
#include "iotctl/core/jobs.h"
#include "iotctl/core/view.h"

/* `worth`: objects of a list that cost a server about as much as the request for one device. */
static const struct part {
	const char *resource, *key, *filter;
	size_t worth;
} parts[HELD_PARTS] = {
    [HELD_DEVICES] = {"device", "identificador_unico", "&search=", 4},
    [HELD_CREDENTIALS] = {"credential", "dispositivo", "&dispositivo=", 4},
    [HELD_CONFIGS] = {"device-config", "dispositivo", "&dispositivo=", 4},
    [HELD_ACCOUNTS] = {"emqx-user", "dispositivo", "&dispositivo=", 4},
    [HELD_RULES] = {"emqx-acl", "username", "&username=", 40},
};

/* A list that is read. */
struct reading {
	struct held_list *list;
	const struct part *part;
	size_t most;
};

/* rest_list returns it: there are more than are worth it. */
enum { TOO_MANY = 1 };

static int
hold(void *arg, struct span object, struct err *err)
{
	struct reading *r = arg;
	struct held_list *l = r->list;
	char *key;

	(void)err;
	if (l->all.n == r->most)
		return TOO_MANY;
	key = view_text_of(object, r->part->key);
	hash_table_add(&l->by, hash_of(span_of(key)), l->all.n);
	objects_add(&l->all, object);
	free(key);
	return 0;
}

static void
release_list(struct held_list *l)
{
	objects_release(&l->all);
	hash_table_release(&l->by);
	*l = (struct held_list){0};
}

static void
forget(void *arg)
{
	struct reading *r = arg;

	release_list(r->list);
}

int
provision_held_read(
    struct ctl *c, struct held *h, enum held_part part, size_t units, struct err *err)
{
	const struct part *p = &parts[part];
	struct reading r = {&h->v[part], p, units * p->worth};
	struct err why = {0};
	char *path;
	int result;

	if (units < 2 || (c->no_accounts && part >= HELD_ACCOUNTS))
		return 0;
	if (ctl_api(c, err))
		return -1;
	path = rest_list_path(schema_find(p->resource), "", NULL, 0);
	result = rest_list_again(c->api, path, hold, forget, &r, &why);
	free(path);
	if (result == 0) {
		r.list->whole = true;
		return 0;
	}
	release_list(r.list);
	if (part == HELD_ACCOUNTS && result != TOO_MANY && why.code == ERR_NOT_FOUND)
		c->no_accounts = true;
	if (result == TOO_MANY || !jobs_are_hopeless(&why))
		return 0;
	*err = why;
	return -1;
}

void
provision_held_release(struct held *h)
{
	size_t i;

	for (i = 0; i < HELD_PARTS; i++)
		release_list(&h->v[i]);
}

/* Those of a list that was read; unless `out` is NULL, adds copies. */
static size_t
find_held(const struct held *h, enum held_part part, const char *key, struct objects *out)
{
	const struct held_list *l = &h->v[part];
	struct hash_search search = hash_find(&l->by, hash_of(span_of(key)));
	size_t n = 0, at;

	while (hash_next(&search, &at)) {
		struct span object = buf_as_span(&l->all.v[at]);

		if (!view_member_is(object, parts[part].key, key))
			continue;
		n++;
		if (out != NULL)
			objects_add(out, object);
	}
	return n;
}

size_t
provision_held_count(const struct held *h, enum held_part part, const char *key)
{
	return find_held(h, part, key, NULL);
}

/* A server's search finds parts of words, and a filter may be ignored. */
static void
keep_only(struct objects *o, const struct part *p, const char *key)
{
	size_t kept = 0, i;

	for (i = 0; i < o->n; i++) {
		if (view_member_is(buf_as_span(&o->v[i]), p->key, key))
			o->v[kept++] = o->v[i];
		else
			buf_release(&o->v[i]);
	}
	o->n = kept;
}

int
provision_held_find(struct ctl *c, const struct held *h, enum held_part part,
    const char *key, struct objects *out, struct err *err)
{
	const struct part *p = &parts[part];
	struct buf filter = {0};
	int failed;

	if (h->v[part].whole) {
		find_held(h, part, key, out);
		return 0;
	}
	buf_puts(&filter, p->filter);
	rest_url_escape(&filter, span_of(key));
	failed = objects_fetch(c, p->resource, buf_str(&filter), out, err);
	keep_only(out, p, key);
	buf_release(&filter);
	return failed;
}

int
provision_held_of_device(struct ctl *c, const struct held *h, enum held_part part,
    json_int_t device, struct objects *out, struct err *err)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, device);
	return provision_held_find(c, h, part, digits, out, err);
}
