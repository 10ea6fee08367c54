/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/rotate/rollout.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "iotctl/rotate/deliver.h"
#include "iotctl/rotate/witness.h"

enum { WAIT = 60000 }; /* ms for a batch to come, unless --wait says otherwise */

void
rollout_failed(struct rollout *r, struct rollout_device *d, const struct err *why)
{
	struct err own = *why;

	err_in(&own, _("device '%s'"), d->id);
	log_err(&own);
	d->failed = true;
	r->failed++;
}

/* Writes down what is(device) holds for; with the password where that is new. */
int
rollout_mark(struct rollout *r, enum password_file_stage stage,
    bool (*is)(const struct rollout_device *d), struct err *err)
{
	struct password_file_mark *v = xcalloc(r->to - r->from + 1, sizeof(*v));
	size_t n = 0, i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		if (is(&r->v[i]))
			v[n++] = (struct password_file_mark){.device = r->v[i].id,
			    .stage = stage,
			    .password =
				stage == PASSWORD_FILE_MADE ? r->v[i].password : NULL,
			    .broker = r->sync.name,
			    .seen = r->v[i].seen,
			    .since = (int64_t)time(NULL)};
	}
	failed = password_file_mark(&r->file, v, n, err);
	for (i = r->from; i < r->to && !failed; i++) {
		if (is(&r->v[i]))
			r->v[i].stage = stage;
	}
	free(v);
	return failed;
}

/* All devices are one round from now on, whatever stage they are at. */
static int
mark_round(struct rollout *r, struct err *err)
{
	struct password_file_mark *v = xcalloc(r->n + 1, sizeof(*v));
	size_t i;
	int failed;

	for (i = 0; i < r->n; i++) {
		struct rollout_device *d = &r->v[i];

		if (d->stage == PASSWORD_FILE_NONE)
			d->stage = PASSWORD_FILE_PLANNED;
		v[i] = (struct password_file_mark){.device = d->id,
		    .stage = d->stage,
		    .broker = r->sync.name,
		    .since = (int64_t)time(NULL),
		    .round = true};
	}
	failed = password_file_mark(&r->file, v, r->n, err);
	free(v);
	return failed;
}

static bool
is_fresh(const struct rollout_device *d)
{
	return d->stage <= PASSWORD_FILE_PLANNED;
}

static bool
is_deliverable(const struct rollout_device *d)
{
	return d->stage == PASSWORD_FILE_MADE && !d->failed;
}

static bool
is_delivered(const struct rollout_device *d)
{
	return d->stage == PASSWORD_FILE_DELIVERED && !d->failed;
}

static bool
is_changed(const struct rollout_device *d)
{
	return d->changed;
}

static bool
has_come(const struct rollout_device *d)
{
	return d->came;
}

static bool
is_waited_for(const struct rollout_device *d)
{
	return d->stage == PASSWORD_FILE_SENT && !d->came;
}

/* What is written down of a device by now, and a password for one that has none. One that an unfinished change of the
 * API alone left pending is as good as a new one. */
static int
take_password(struct rollout *r, struct rollout_device *d, struct err *err)
{
	const struct credential *row = credentials_find(&r->file.known, d->id);
	struct password_file_mark m;

	password_file_look(&r->file, d->id, &m);
	d->stage = m.stage;
	d->resent = m.stage == PASSWORD_FILE_SENDING;
	if (m.seen != NULL)
		d->seen = xstrdup(m.seen);
	if (m.password == NULL)
		return random_password(&d->password, err);
	d->password = xstrdup(m.password);
	/* It had come, and was not written off any more. */
	d->came = m.stage == PASSWORD_FILE_SENT && row != NULL && row->password != NULL &&
	    strcmp(row->password, m.password) == 0;
	return 0;
}

/* Those whose turn it is have a pending password from now on. Nobody else changes one meanwhile. */
static int
begin_batch(struct rollout *r, struct err *err)
{
	char *path = xasprintf("%s.lock", r->file.path);
	int lock = file_lock(path, err);
	int failed = lock < 0 || password_file_reload(&r->file, err);
	size_t i;

	for (i = r->from; i < r->to && !failed; i++)
		failed = take_password(r, &r->v[i], err);
	failed = failed || rollout_mark(r, PASSWORD_FILE_MADE, is_fresh, err);
	if (lock >= 0)
		close(lock);
	free(path);
	return failed ? -1 : 0;
}

static int
deliver_batch(struct rollout *r, struct err *err)
{
	struct deliver *v = xcalloc(r->to - r->from + 1, sizeof(*v));
	size_t n = 0, i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		if (is_deliverable(&r->v[i]))
			v[n++] = (struct deliver){
			    .device = r->v[i].id, .password = r->v[i].password};
	}
	failed = n != 0 ? deliver_all(r->c, r->c->args->deliver, v, n, err) : 0;
	for (i = r->from, n = 0; i < r->to && !failed; i++) {
		if (!is_deliverable(&r->v[i]))
			continue;
		if (v[n].why.code != ERR_OK) {
			err_in(&v[n].why,
			    _("it did not get its new password, and keeps the old one"));
			rollout_failed(r, &r->v[i], &v[n].why);
		}
		n++;
	}
	free(v);
	return failed ? -1
		      : rollout_mark(r, PASSWORD_FILE_DELIVERED, is_deliverable, err);
}

/* Between `before` and `end` of the witness. */
static int
change_batch(struct rollout *r, struct err *err)
{
	const int64_t wait = r->c->args->wait != 0 ? r->c->args->wait : WAIT;

	return r->witness->before(r, err) ||
		rollout_mark(r, PASSWORD_FILE_SENDING, is_delivered, err) ||
		rollout_send(r, err) || r->witness->after(r, err) ||
		rollout_mark(r, PASSWORD_FILE_SENT, is_changed, err) ||
		r->witness->wait(r, wait, err)
	    ? -1
	    : 0;
}

/* The file first: who is stopped in between finds the password in both. */
static int
settle_batch(struct rollout *r, struct err *err)
{
	struct credential *rows = xcalloc(r->to - r->from + 1, sizeof(*rows));
	size_t n = 0, i;
	int failed;

	for (i = r->from; i < r->to; i++) {
		const struct rollout_device *d = &r->v[i];
		const struct credential *old = credentials_find(&r->file.known, d->id);

		if (!d->came)
			continue;
		rows[n++] = (struct credential){.device = d->id,
		    .client_id = d->client_id,
		    .username = r->sync.v[d->user].username,
		    .password = d->password,
		    .cert = old != NULL ? old->cert : NULL,
		    .key = old != NULL ? old->key : NULL};
	}
	failed = n != 0 ? credentials_save(r->file.path, rows, n, err) : 0;
	failed = failed || rollout_mark(r, PASSWORD_FILE_NONE, has_come, err);
	free(rows);
	return failed ? -1 : 0;
}

static void
tell_waiting(const struct rollout_device *d)
{
	if (d->maybe)
		log_warn(_("device '%s' connected while the broker changed its password: "
			   "with which one is not known"),
		    d->id);
	else
		log_warn(_("device '%s' has not come with its new password, which is the "
			   "one that counts"),
		    d->id);
}

static void
tell_batch(struct rollout *r)
{
	size_t i;

	for (i = r->from; i < r->to; i++) {
		const struct rollout_device *d = &r->v[i];

		/* One that could not be written down is at its stage still. */
		if (d->came && d->stage == PASSWORD_FILE_NONE) {
			r->over++;
			ctl_say(r->c, _("rotated the password of '%s'; it is in '%s'"),
			    d->id, r->file.path);
		} else if (d->stage == PASSWORD_FILE_SENT && !d->came) {
			r->waiting++;
			tell_waiting(d);
		}
	}
}

/* Whether there is one at all that the broker took the password of, and none of these has come: the devices may not
 * understand what they are told. */
static bool
is_in_vain(const struct rollout *r)
{
	size_t changed = 0, came = 0, i;

	for (i = r->from; i < r->to; i++) {
		changed += r->v[i].changed;
		came += r->v[i].changed && r->v[i].came;
	}
	return changed != 0 && came == 0;
}

static int
run_batch(struct rollout *r, struct err *err)
{
	struct err why = {0};
	int failed = begin_batch(r, err) || deliver_batch(r, err);

	if (failed)
		return -1;
	failed = change_batch(r, err);
	/* Who has come has come, whatever goes wrong besides. */
	if (settle_batch(r, failed ? &why : err) && !failed)
		failed = -1;
	r->witness->end(r);
	if (rollout_mark(r, PASSWORD_FILE_SENT, is_waited_for, failed ? &why : err) &&
	    !failed)
		failed = -1;
	if (why.code != ERR_OK)
		log_err(&why);
	tell_batch(r);
	return failed;
}

static int
end_of(const struct rollout *r, size_t left, struct err *err)
{
	ctl_say(r->c,
	    _("broker '%s': passwords rotated %zu, waiting for devices %zu, "
	      "failed %zu, not begun %zu"),
	    r->sync.name, r->over, r->waiting, r->failed, left);
	if (r->waiting + r->failed + left == 0)
		return 0;
	return err_set(err, ERR_FAILED,
	    _("devices that have not come or could not be rotated: %zu, not begun: %zu; "
	      "run it again; 'iotctl credential pending' shows them"),
	    r->waiting + r->failed, left);
}

int
rollout_run(struct rollout *r, struct err *err)
{
	int failed = password_file_claim(&r->file, err);

	if (!failed && r->c->args->all)
		failed = mark_round(r, err);
	for (r->to = 0; r->to < r->n && !failed;) {
		r->from = r->to;
		r->to = r->n - r->from < ROLLOUT_BATCH ? r->n : r->from + ROLLOUT_BATCH;
		failed = run_batch(r, err);
		if (!failed && is_in_vain(r) && r->to < r->n) {
			log_warn(_("nobody of these has come: the others keep what they "
				   "have"));
			break;
		}
	}
	return failed ? -1 : end_of(r, r->n - r->to, err);
}
