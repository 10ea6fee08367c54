/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/login/password_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state_version.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/config.h"
#include "rest/rest_url.h"
#include "iotctl/login/settings.h"

enum { VERSION = 1, LARGEST = 64 << 20 };

/* One change of the state. */
struct change {
	const char *api;    /* it is of this platform; NULL: that stays */
	bool moved;         /* ... whatever it was of before */
	const char *device; /* whose pending passwords change; NULL: none's */
	const char *add, *drop;
	const char *to; /* they are of this one from now on */
};

static enum opt_source
source_of(const struct ctl *c, const char *key)
{
	return c->set->origin[opt_by_key(c->set, key) - c->set->program->opts].source;
}

static char *
state_path(const struct password_file *p)
{
	return xasprintf("%s.state", p->path);
}

/* Whether it is as save_state writes it. What is only half understood may hold
 * passwords, and is not touched. */
static bool
is_sound(const json_t *state)
{
	json_t *api = json_object_get(state, "api");
	json_t *pending = json_object_get(state, "pending");
	const char *device;
	json_t *list, *item;
	size_t i;

	if (json_integer_value(json_object_get(state, "version")) != VERSION ||
	    (api != NULL && !json_is_string(api)) ||
	    (pending != NULL && !json_is_object(pending)))
		return false;
	json_object_foreach (pending, device, list) {
		if (json_array_size(list) == 0)
			return false;
		json_array_foreach (list, i, item) {
			if (!json_is_string(item))
				return false;
		}
	}
	return true;
}

static int
load_state(struct password_file *p, struct err *err)
{
	char *path = state_path(p);
	struct buf text = {0};
	int failed = 0;

	json_decref(p->state);
	p->state = NULL;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		p->state = json_pack("{s:i}", "version", VERSION);
	else
		failed = file_read_private(path, LARGEST, &text, err);
	if (!failed && p->state == NULL)
		p->state = json_loadb(buf_str(&text), text.n, 0, NULL);
	failed = failed ||
	    state_version_check(path,
		json_integer_value(json_object_get(p->state, "version")), VERSION, err);
	if (!failed && !is_sound(p->state))
		failed = err_set(err, ERR_USAGE,
		    _("'%s' is no state of a credentials file of version %d"), path,
		    VERSION);
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_release(&text);
	free(path);
	return failed ? -1 : 0;
}

static int
save_state(const struct password_file *p, struct err *err)
{
	char *path = state_path(p);
	char *text = json_dumps(p->state, JSON_COMPACT);
	int failed = file_write(path, span_of(text), 0600, err);

	mem_free_secret(text);
	free(path);
	return failed;
}

static int
refuse(const struct password_file *p, const char *owner, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    _("'%s' has the passwords of '%s', not of '%s': --credentials gives another "
	      "file; where the platform moved, 'iotctl login' says so"),
	    p->path, owner, p->api);
}

/* Where the files say that a context's platform is, when an option or a variable says otherwise; NULL: they do
 * not say (free). */
static int
configured_url(struct ctl *c, char *context, char **out, struct err *err)
{
	struct opt rows[2] = {*opt_by_key(c->set, "api_url"), OPT_END};
	struct program alone = {.name = "iotctl", .opts = rows};
	struct common common = c->args->common;
	struct opt_set set;
	char *url = NULL;
	int failed;

	common.context = context;
	common.context_may_miss = true;
	rows[0].offset = 0;
	opt_init(&set, &alone, &url);
	failed = config_load_files(&set, &common, err) ||
	    (url != NULL && rest_url_base(url, out, err));
	if (common.context != context)
		free(common.context);
	opt_release(&set);
	return failed ? -1 : 0;
}

/* While no platform is recorded for a file, one that belongs to a context is for the
 * platform that the context names. */
static int
check_platform(struct ctl *c, const struct password_file *p, struct err *err)
{
	const char *owner = json_string_value(json_object_get(p->state, "api"));
	char *configured = NULL;
	int failed = 0;

	if (p->api == NULL)
		return 0;
	if (owner == NULL && source_of(c, "credentials") < OPT_FROM_ENV &&
	    source_of(c, "api_url") >= OPT_FROM_ENV)
		failed = configured_url(c, c->args->common.context, &configured, err);
	if (owner == NULL)
		owner = configured;
	if (!failed && owner != NULL && strcmp(owner, p->api) != 0)
		failed = refuse(p, owner, err);
	free(configured);
	return failed;
}

int
password_file_open_any(struct ctl *c, struct password_file *p, struct err *err)
{
	*p = (struct password_file){0};
	p->path = credentials_path(c->args->credentials, c->args->common.context);
	return p->path != NULL ? password_file_reload(p, err) : 0;
}

int
password_file_use(struct ctl *c, struct password_file *p, struct err *err)
{
	if (ctl_api(c, err))
		return -1;
	if (source_of(c, "credentials") != OPT_FROM_ARGV)
		p->api = rest_base(c->api);
	return p->path != NULL ? check_platform(c, p, err) : 0;
}

int
password_file_open(struct ctl *c, struct password_file *p, struct err *err)
{
	return password_file_open_any(c, p, err) || password_file_use(c, p, err) ? -1 : 0;
}

int
password_file_reload(struct password_file *p, struct err *err)
{
	credentials_release(&p->known);
	return load_state(p, err) || credentials_load(&p->known, p->path, false, err) ? -1
										      : 0;
}

void
password_file_release(struct password_file *p)
{
	free(p->path);
	credentials_release(&p->known);
	json_decref(p->state);
	*p = (struct password_file){0};
}

static size_t
find_pending(const json_t *list, const char *password)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), password) == 0)
			break;
	}
	return i;
}

static void
apply_pending(json_t *state, const struct change *x)
{
	json_t *all = json_object_get(state, "pending");
	json_t *list = json_object_get(all, x->device);

	if (x->add != NULL) {
		if (all == NULL)
			json_object_set_new(state, "pending", all = json_object());
		if (list == NULL)
			json_object_set_new(all, x->device, list = json_array());
		json_array_append_new(list, json_string(x->add));
	} else if (x->drop != NULL) {
		json_array_remove(list, find_pending(list, x->drop));
	}
	if (x->to != NULL && list != NULL)
		json_object_set(all, x->to, list);
	if (x->add == NULL && (x->drop == NULL || json_array_size(list) == 0))
		json_object_del(all, x->device);
	if (json_object_size(all) == 0)
		json_object_del(state, "pending");
}

static int
apply(struct password_file *p, const struct change *x, struct err *err)
{
	const char *owner = json_string_value(json_object_get(p->state, "api"));

	if (x->api != NULL && owner != NULL && !x->moved && strcmp(owner, x->api) != 0)
		return refuse(p, owner, err);
	if (x->api != NULL)
		json_object_set_new(p->state, "api", json_string(x->api));
	if (x->device != NULL)
		apply_pending(p->state, x);
	return 0;
}

static int
change(struct password_file *p, const struct change *x, struct err *err)
{
	json_t *before = NULL;
	int lock, failed;

	if (p->path == NULL)
		return err_set(
		    err, ERR_OUTPUT, _("no place for the credentials: HOME is not set"));
	lock = file_lock(p->path, err);
	if (lock < 0)
		return -1;
	failed = load_state(p, err);
	before = json_deep_copy(p->state);
	failed = failed || apply(p, x, err);
	if (!failed && !json_equal(before, p->state))
		failed = save_state(p, err);
	json_decref(before);
	close(lock);
	return failed ? -1 : 0;
}

int
password_file_claim(struct password_file *p, struct err *err)
{
	const struct change x = {.api = p->api};

	return change(p, &x, err);
}

/* A file that is not of one context alone: another context that is at its platform still; NULL: none (free). */
static int
find_other(struct ctl *c, const char *owner, char **out, struct err *err)
{
	const enum opt_source source = source_of(c, "credentials");
	const char *own = c->args->common.context;
	struct strv names = {0};
	int failed = 0;
	size_t i;

	*out = NULL;
	if (source != OPT_FROM_BUILTIN && source != OPT_FROM_CONTEXT)
		failed = settings_contexts(c, &names, err);
	for (i = 0; i < names.n && !failed && *out == NULL; i++) {
		struct err why = {0};
		char *url = NULL;

		if (strcmp(names.v[i], own != NULL ? own : "default") == 0)
			continue;
		/* One that cannot be read is nowhere. */
		configured_url(c, names.v[i], &url, &why);
		if (url != NULL && strcmp(url, owner) == 0)
			*out = xstrdup(names.v[i]);
		free(url);
	}
	strv_release(&names);
	return failed;
}

/* A login at another URL than `owner`, which may be NULL: the platform has moved unless somebody is there. */
static int
move_from(struct ctl *c, struct password_file *p, const char *owner,
    const struct change *x, struct err *err)
{
	char *other = NULL;
	int failed = owner != NULL && strcmp(owner, x->api) != 0
	    ? find_other(c, owner, &other, err)
	    : 0;

	if (!failed && other != NULL)
		log_warn(_("the passwords in '%s' stay those of '%s', where context "
			   "'%s' is"),
		    p->path, owner, other);
	else if (!failed && owner != NULL && strcmp(owner, x->api) != 0)
		log_warn(_("the passwords in '%s' were of '%s': from now on they are of "
			   "'%s'"),
		    p->path, owner, x->api);
	if (!failed && other == NULL)
		failed = change(p, x, err);
	free(other);
	return failed;
}

int
password_file_move(struct ctl *c, struct err *err)
{
	const struct change x = {.api = rest_base(c->api), .moved = true};
	struct password_file p;
	const char *owner;
	int failed = password_file_open_any(c, &p, err);

	owner = json_string_value(json_object_get(p.state, "api"));
	if (!failed && source_of(c, "credentials") != OPT_FROM_ARGV &&
	    (owner != NULL || p.known.n != 0))
		failed = move_from(c, &p, owner, &x, err);
	password_file_release(&p);
	return failed;
}

const char *
password_file_pending(const struct password_file *p, const char *device)
{
	const json_t *list =
	    json_object_get(json_object_get(p->state, "pending"), device);
	size_t n = json_array_size(list);

	return n != 0 ? json_string_value(json_array_get(list, n - 1)) : NULL;
}

bool
password_file_is_pending(
    const struct password_file *p, const char *device, const char *password)
{
	const json_t *list =
	    json_object_get(json_object_get(p->state, "pending"), device);

	return find_pending(list, password) < json_array_size(list);
}

int
password_file_add(
    struct password_file *p, const char *device, const char *password, struct err *err)
{
	const struct change x = {.device = device, .add = password};

	return change(p, &x, err);
}

int
password_file_drop(
    struct password_file *p, const char *device, const char *password, struct err *err)
{
	const struct change x = {.device = device, .drop = password};

	return change(p, &x, err);
}

int
password_file_settle(struct password_file *p, const char *device, struct err *err)
{
	const struct change x = {.device = device};

	return change(p, &x, err);
}

int
password_file_rename(
    struct password_file *p, const char *device, const char *to, struct err *err)
{
	const struct change x = {.device = device, .to = to};

	return credentials_find(&p->known, device) != NULL &&
		credentials_rename(p->path, device, to, err)
	    ? -1
	    : change(p, &x, err);
}
