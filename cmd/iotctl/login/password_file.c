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
	const struct password_file_mark *marks;
	size_t marks_n;
};

const char *const password_file_stages[PASSWORD_FILE_STAGES] = {
    "unsure", "planned", "made", "delivered", "sending", "sent"};

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
	json_t *rotating = json_object_get(state, "rotating");
	const char *device;
	json_t *list, *item;
	size_t i;

	if (json_integer_value(json_object_get(state, "version")) != VERSION ||
	    (api != NULL && !json_is_string(api)) ||
	    (pending != NULL && !json_is_object(pending)) ||
	    (rotating != NULL && !json_is_object(rotating)))
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
del_member(json_t *state, const char *name, const char *device)
{
	json_t *all = json_object_get(state, name);

	json_object_del(all, device);
	if (json_object_size(all) == 0)
		json_object_del(state, name);
}

static json_t *
make_member(json_t *object, const char *name, json_t *empty)
{
	json_t *member = json_object_get(object, name);

	if (member != NULL) {
		json_decref(empty);
		return member;
	}
	json_object_set_new(object, name, empty);
	return empty;
}

static enum password_file_stage
stage_of(const json_t *mark)
{
	const char *word = json_string_value(json_object_get(mark, "stage"));
	size_t i;

	for (i = PASSWORD_FILE_PLANNED; word != NULL && i < PASSWORD_FILE_STAGES; i++) {
		if (strcmp(word, password_file_stages[i]) == 0)
			return (enum password_file_stage)i;
	}
	return PASSWORD_FILE_NONE;
}

static void
apply_mark(json_t *state, const struct password_file_mark *m)
{
	json_t *one;

	if (m->stage == PASSWORD_FILE_NONE) {
		del_member(state, "pending", m->device);
		del_member(state, "rotating", m->device);
		return;
	}
	one = make_member(
	    make_member(state, "rotating", json_object()), m->device, json_object());
	if (stage_of(one) != m->stage)
		json_object_set_new(one, "since", json_integer(m->since));
	json_object_set_new(one, "stage", json_string(password_file_stages[m->stage]));
	if (m->broker != NULL)
		json_object_set_new(one, "broker", json_string(m->broker));
	if (m->seen != NULL)
		json_object_set_new(one, "seen", json_string(m->seen));
	if (m->round)
		json_object_set_new(one, "round", json_true());
	if (m->password != NULL)
		json_array_append_new(
		    make_member(make_member(state, "pending", json_object()), m->device,
			json_array()),
		    json_string(m->password));
}

static void
apply_pending(json_t *state, const struct change *x)
{
	json_t *all = json_object_get(state, "pending");
	json_t *list = json_object_get(all, x->device);
	json_t *rotating = json_object_get(state, "rotating");
	json_t *mark = json_object_get(rotating, x->device);

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
	if (x->to != NULL && mark != NULL)
		json_object_set(rotating, x->to, mark);
	if (x->add == NULL && (x->drop == NULL || json_array_size(list) == 0)) {
		del_member(state, "pending", x->device);
		del_member(state, "rotating", x->device);
	}
}

static int
apply(struct password_file *p, const struct change *x, struct err *err)
{
	const char *owner = json_string_value(json_object_get(p->state, "api"));
	size_t i;

	if (x->api != NULL && owner != NULL && !x->moved && strcmp(owner, x->api) != 0)
		return refuse(p, owner, err);
	if (x->api != NULL)
		json_object_set_new(p->state, "api", json_string(x->api));
	if (x->device != NULL)
		apply_pending(p->state, x);
	for (i = 0; i < x->marks_n; i++)
		apply_mark(p->state, &x->marks[i]);
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

	/* The row last: as long as it is there, a rename that was stopped is seen to be one. */
	if (change(p, &x, err))
		return -1;
	return credentials_find(&p->known, device) != NULL
	    ? credentials_rename(p->path, device, to, err)
	    : 0;
}

int
password_file_mark(struct password_file *p, const struct password_file_mark *v, size_t n,
    struct err *err)
{
	const struct change x = {.marks = v, .marks_n = n};

	return n != 0 ? change(p, &x, err) : 0;
}

bool
password_file_look(
    const struct password_file *p, const char *device, struct password_file_mark *out)
{
	const json_t *mark =
	    json_object_get(json_object_get(p->state, "rotating"), device);

	*out = (struct password_file_mark){.device = device,
	    .stage = stage_of(mark),
	    .password = password_file_pending(p, device),
	    .broker = json_string_value(json_object_get(mark, "broker")),
	    .seen = json_string_value(json_object_get(mark, "seen")),
	    .since = json_integer_value(json_object_get(mark, "since"))};
	/* Somebody else has settled it. */
	if (out->password == NULL && out->stage != PASSWORD_FILE_PLANNED)
		out->stage = PASSWORD_FILE_NONE;
	out->round = out->stage != PASSWORD_FILE_NONE &&
	    json_is_true(json_object_get(mark, "round"));
	return out->password != NULL || out->stage != PASSWORD_FILE_NONE;
}

const char *
password_file_at_broker(const struct password_file *p, const char *device)
{
	struct password_file_mark m;

	return password_file_look(p, device, &m) && m.stage >= PASSWORD_FILE_SENDING
	    ? m.password
	    : NULL;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
password_file_each(const struct password_file *p,
    void (*fn)(void *arg, const struct password_file_mark *mark), void *arg)
{
	json_t *both = json_object(), *one;
	const char **names, *device;
	struct password_file_mark m;
	size_t n = 0, i;

	json_object_update(both, json_object_get(p->state, "pending"));
	json_object_update(both, json_object_get(p->state, "rotating"));
	names = xcalloc(json_object_size(both) + 1, sizeof(*names));
	json_object_foreach (both, device, one) {
		names[n++] = device;
	}
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i < n; i++) {
		if (password_file_look(p, names[i], &m))
			fn(arg, &m);
	}
	free(names);
	json_decref(both);
}
