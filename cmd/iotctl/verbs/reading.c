/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reading import FILE|-: lines of iotingest, a batch a request; reading list --since, --device. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/timestamp.h"
#include "iotctl/core/equal.h"
#include "iotctl/core/write.h"
#include "iotctl/output/progress.h"
#include "iotctl/run.h"
#include "iotctl/verbs/import.h"
#include "iotctl/verbs/import_state.h"
#include "iotctl/verbs/verb.h"

enum { BATCH = 500, KIB = 1024 };

/* Microseconds. A time nearer to now than this does not show whether the API keeps
 * times or sets its own. */
#define HOUR ((int64_t)3600 * 1000000)

/* A reading on its way, with the line it comes from. */
struct taken {
	struct buf reading;
	size_t line;
	uint64_t mark; /* import_state_mark of the line */
};

struct batch_lines {
	struct taken *v;
	size_t n;
};

struct importing {
	struct ctl *c;
	FILE *in;
	struct import_catalog catalog;
	struct import_state state;
	struct progress progress;
	struct batch_lines batch;
	bool begun;       /* a batch was sent */
	bool times_known; /* what the API does with times is known, or does not matter */
	long long offset; /* behind the last line read */
	size_t line, stored, skipped;
	int signo;
};

static void
skip(struct importing *m, size_t line, const char *why)
{
	progress_hide(&m->progress);
	log_error(_("line %zu: %s"), line, why);
	m->skipped++;
}

/* The first reason that the server gives for one reading. */
static void
reason_of(struct span item, struct buf *out)
{
	struct json_iter it = {.value = item};
	struct json_iter list = {0};

	if (!json_next(&it))
		return;
	list.value = it.item;
	if (json_kind(it.item) != JSON_KIND_ARRAY || !json_next(&list) ||
	    json_kind(list.item) != JSON_KIND_STRING)
		buf_span(out, it.item);
	else
		json_unescape(out, list.item);
}

static void
drop_reading(struct batch_lines *b, size_t i)
{
	buf_release(&b->v[i].reading);
	b->n--;
	memmove(b->v + i, b->v + i + 1, (b->n - i) * sizeof(*b->v));
}

/* Which reading an item of the server's errors is about: the next one of a list, or, since Django REST Framework 3.18, the
 * place that is its key, in their order. */
static bool
place_of(const struct json_iter *it, bool is_list, size_t *place)
{
	size_t before = *place, at = 0;

	if (is_list) {
		++*place;
		return true;
	}
	for (size_t i = 1; i + 1 < it->key.n; i++) {
		if (it->key.p[i] < '0' || it->key.p[i] > '9' || at > BATCH)
			return false;
		at = at * 10 + (size_t)(it->key.p[i] - '0');
	}
	*place = at + 1;
	return it->key.n > 2 && *place > before;
}

/* Removes the readings that the server says are wrong, by their places. Returns how
 * many. */
static size_t
drop_refused(struct importing *m, struct span answer)
{
	struct json_iter it = {0};
	struct span object;
	size_t place = 0, dropped = 0;
	bool is_list;

	if (!json_check(answer, &object, NULL) ||
	    !json_member(object, "lecturas", &it.value))
		return 0;
	is_list = json_kind(it.value) == JSON_KIND_ARRAY;
	if (!is_list && json_kind(it.value) != JSON_KIND_OBJECT)
		return 0;
	while (json_next(&it) && place_of(&it, is_list, &place) &&
	    place - 1 - dropped < m->batch.n) {
		struct buf why = {0};

		reason_of(it.item, &why);
		if (why.n != 0) {
			skip(m, m->batch.v[place - 1 - dropped].line, buf_str(&why));
			drop_reading(&m->batch, place - 1 - dropped);
			dropped++;
		}
		buf_release(&why);
	}
	return dropped;
}

static int
post_batch(struct importing *m, struct rest_reply *reply, struct err *err)
{
	struct buf body = {0};
	size_t i;
	int failed;

	buf_puts(&body, "{\"lecturas\":[");
	for (i = 0; i < m->batch.n; i++) {
		buf_puts(&body, i > 0 ? "," : "");
		buf_span(&body, buf_as_span(&m->batch.v[i].reading));
	}
	buf_puts(&body, "]}");
	if (m->c->args->dry_run) {
		progress_hide(&m->progress);
		write_show("POST", "/api/readings/bulk/", buf_str(&body));
		failed = 0;
	} else {
		failed = rest_call(m->c->api, "POST", "/api/readings/bulk/",
		    buf_as_span(&body), reply, err);
	}
	buf_release(&body);
	return failed;
}

static void
clear_batch(struct batch_lines *b)
{
	while (b->n != 0)
		buf_release(&b->v[--b->n].reading);
}

/* Where in the batch the reading is that shows whether the API keeps times: the one whose time is furthest
 * from now, or the first that is far enough; b->n: none is. */
static size_t
find_far(const struct batch_lines *b, bool furthest)
{
	int64_t now = (int64_t)time(NULL) * 1000000, most = HOUR, us;
	size_t i, found = b->n;

	for (i = 0; i < b->n && (furthest || found == b->n); i++) {
		struct buf text = {0};

		if (json_member_string(
			buf_as_span(&b->v[i].reading), "timestamp", &text) &&
		    timestamp_parse(buf_str(&text), &us) && llabs(us - now) > most) {
			most = llabs(us - now);
			found = i;
		}
		buf_release(&text);
	}
	return found;
}

/* Whether the API refuses this one reading: then its line is skipped. */
static bool
is_refused(struct importing *m, const struct taken *t, const struct rest_reply *reply)
{
	struct json_iter it = {0};
	struct buf why = {0};
	bool refused;

	if (!json_check(buf_as_span(&reply->body), &it.value, NULL) ||
	    json_kind(it.value) != JSON_KIND_OBJECT || !json_next(&it) ||
	    json_kind(it.item) != JSON_KIND_ARRAY)
		return false;
	reason_of(it.value, &why);
	refused = why.n != 0;
	if (refused)
		skip(m, t->line, buf_str(&why));
	buf_release(&why);
	return refused;
}

/* It is stored now, whatever its time: the next run must not send it again. */
static int
judge_alone(struct importing *m, const struct taken *t, const struct rest_reply *reply,
    struct err *err)
{
	struct buf sent = {0};
	int failed;

	m->times_known = true;
	m->stored++;
	import_state_alone(&m->state, t->line, t->mark);
	json_member_string(buf_as_span(&t->reading), "timestamp", &sent);
	failed = import_state_save(&m->state, err) ||
	    equal_reading_time(m->c, buf_str(&sent), reply, err);
	buf_release(&sent);
	return failed
	    ? err_in(err, _("stopped: line %zu is stored and counts as done"), t->line)
	    : 0;
}

/* Some backends put their own time in place of the one they are sent, without a word. A batch's answer shows
 * no readings: the one that would show it best goes alone. */
static int
ask_time(struct importing *m, struct err *err)
{
	bool furthest = !m->begun;
	size_t at;
	int failed = 0;

	m->begun = true;
	while (!failed && !m->times_known &&
	    (at = find_far(&m->batch, furthest)) < m->batch.n) {
		const struct taken *t = &m->batch.v[at];
		struct rest_reply reply = {0};

		if (rest_call(m->c->api, "POST", "/api/readings/",
			buf_as_span(&t->reading), &reply, err) == 0)
			failed = judge_alone(m, t, &reply, err);
		else if (err->code == ERR_REFUSED && is_refused(m, t, &reply))
			*err = (struct err){0};
		else
			failed = err_in(err, _("stopped before line %zu"), t->line);
		rest_reply_release(&reply);
		drop_reading(&m->batch, at);
	}
	return failed;
}

/* What was sent is remembered as done, so that the next run goes on behind it. */
static int
send_batch(struct importing *m, struct err *err)
{
	struct rest_reply reply = {0};
	size_t before = m->batch.n;
	int failed = 0;

	if (ask_time(m, err))
		return -1;
	while (m->batch.n != 0 && (failed = post_batch(m, &reply, err)) != 0) {
		if (err->code != ERR_REFUSED ||
		    drop_refused(m, buf_as_span(&reply.body)) == 0)
			break;
		*err = (struct err){0};
		rest_reply_release(&reply);
		failed = 0;
	}
	rest_reply_release(&reply);
	if (failed)
		return err_in(err,
		    P_("stopped before line %zu, of %zu reading there",
			"stopped before line %zu, of %zu readings there", before),
		    m->state.line + 1, before);
	m->stored += m->batch.n;
	clear_batch(&m->batch);
	m->state.offset = m->offset;
	m->state.line = m->line;
	progress_at(&m->progress, (size_t)(m->offset / KIB));
	return m->c->args->dry_run ? 0 : import_state_save(&m->state, err);
}

static int
take_line(struct importing *m, struct span line, struct err *err)
{
	struct buf reading = {0};
	struct err why = {0};
	int result;

	if (line.n == 0 || import_state_is_alone(&m->state, m->line, line))
		return 0;
	result = import_line(&m->catalog, line, &reading, &why);
	if (result != 0) {
		buf_release(&reading);
		if (result < 0) {
			*err = why;
			return err_in(
			    err, _("stopped before line %zu"), m->state.line + 1);
		}
		skip(m, m->line, why.text);
		return 0;
	}
	m->batch.v[m->batch.n++] =
	    (struct taken){reading, m->line, import_state_mark(line)};
	return 0;
}

/* What is no NDJSON at all is refused before anything is sent, and not skipped line by line. Takes the byte order
 * mark off the first line. */
static int
check_first(struct span *line, struct err *err)
{
	const char *other = encoding_other(*line);

	*line = encoding_skip_mark(*line);
	if (other != NULL)
		return err_set(err, ERR_USAGE, _("line 1: %s"), _(other));
	if (line->n != 0 && line->p[0] == '[')
		return err_set(err, ERR_USAGE,
		    _("line 1: a JSON array, where an object a line is wanted: convert "
		      "it with jq -c '.[]'"));
	return 0;
}

static int
read_all(struct importing *m, struct err *err)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int failed = 0;

	while (!failed && m->signo == 0 && (n = getline(&line, &room, m->in)) > 0) {
		struct span text = {line, (size_t)n};
		size_t skipped = m->skipped;

		m->line++;
		m->offset += n;
		while (
		    text.n > 0 && (line[text.n - 1] == '\r' || line[text.n - 1] == '\n'))
			text.n--;
		failed =
		    (m->line == 1 && check_first(&text, err)) || take_line(m, text, err);
		if (failed)
			break;
		/* The rest of it may be still to come: the next run looks again. */
		if (line[n - 1] != '\n' && m->skipped != skipped) {
			m->line--;
			m->offset -= n;
		}
		if (m->batch.n == BATCH)
			failed = send_batch(m, err);
	}
	free(line);
	if (!failed && ferror(m->in))
		failed = err_sys(err, ERR_FAILED, _("cannot read the readings"));
	return failed || send_batch(m, err) ? -1 : 0;
}

static void
on_signal(void *arg, int signo)
{
	struct importing *m = arg;

	m->signo = signo;
}

static int
start(struct importing *m, const char *file, struct err *err)
{
	struct ctl *c = m->c;
	bool from_stdin = strcmp(file, "-") == 0;
	struct stat st = {0};

	if (from_stdin && ctl_claim_stdin(c, _("the readings"), err))
		return -1;
	m->in = from_stdin ? stdin : fopen(file, "re");
	if (m->in == NULL)
		return err_sys(err, ERR_USAGE, _("cannot open '%s'"), file);
	/* Two at once would store everything twice. */
	if (!from_stdin && flock(fileno(m->in), LOCK_EX | LOCK_NB) != 0 &&
	    errno == EWOULDBLOCK)
		return err_set(err, ERR_FAILED,
		    _("'%s' is being imported by another process"), file);
	if (ctl_api(c, err) || loop_signal(c->loop, SIGINT, on_signal, m, err) ||
	    loop_signal(c->loop, SIGTERM, on_signal, m, err))
		return -1;
	m->batch.v = xcalloc(BATCH, sizeof(*m->batch.v));
	if (!from_stdin &&
	    import_state_load(&m->state, c, file, m->in, c->args->again, err))
		return -1;
	if (m->state.line != 0)
		log_warn(_("'%s': going on behind line %zu (--again begins anew)"), file,
		    m->state.line);
	if (m->state.n_alone != 0)
		log_warn(P_("'%s': %zu line is stored already and left out (--again "
			    "begins anew)",
			     "'%s': %zu lines are stored already and left out (--again "
			     "begins anew)",
			     m->state.n_alone),
		    file, m->state.n_alone);
	m->line = m->state.line;
	m->offset = m->state.offset;
	fstat(fileno(m->in), &st);
	progress_start(&m->progress, (size_t)(st.st_size / KIB),
	    c->args->common.quiet || from_stdin);
	return 0;
}

int
run_import(struct ctl *c, const struct operands *in, struct err *err)
{
	/* A dry run asks for no time: that would store a reading. */
	struct importing m = {.c = c,
	    .catalog = {.ctl = c},
	    .times_known = c->args->server_time || c->args->dry_run};
	int failed;

	if (in->n != 1)
		return err_set(err, ERR_USAGE, _("reading import FILE|-"));
	failed = start(&m, in->v[0], err) || read_all(&m, err);
	progress_hide(&m.progress);
	if (m.in != NULL)
		ctl_say(c,
		    c->args->dry_run ? _("readings to import: %zu, lines to skip: %zu")
				     : _("readings imported: %zu, lines skipped: %zu"),
		    m.stored, m.skipped);
	if (!failed && m.signo != 0)
		failed = err_set(err, (enum err_code)(ERR_SIGNAL + m.signo),
		    _("stopped behind line %zu"), m.state.line);
	else if (!failed && m.skipped != 0)
		failed = err_set(err, ERR_FAILED,
		    P_("%zu line was skipped", "%zu lines were skipped", m.skipped),
		    m.skipped);
	if (m.in != NULL && m.in != stdin)
		fclose(m.in);
	if (m.batch.v != NULL)
		clear_batch(&m.batch);
	free(m.batch.v);
	import_state_release(&m.state);
	import_close(&m.catalog);
	return failed ? -1 : 0;
}

static bool
has_field(const struct operands *in, const char *field)
{
	size_t n = strlen(field), i;

	for (i = 0; i < in->plain; i++) {
		if (strncmp(in->v[i], field, n) == 0 && in->v[i][n] == '=')
			return true;
	}
	return false;
}

/* FIELD=TIME, for the API. */
static void
add_time(struct strv *out, const char *field, int64_t us)
{
	struct buf text = {0};
	int64_t second = 1000000;

	buf_printf(&text, "%s=", field);
	buf_time(&text, us - us % second);
	strv_add(out, buf_str(&text));
	buf_release(&text);
}

/* --since and --device are short for filters of the list. The period ends where it is asked for, so that what
 * comes in while the pages are read does not move them. */
int
run_reading_list(struct ctl *c, const struct operands *in, struct err *err)
{
	struct operands more;
	struct strv words = {0};
	int64_t now = clock_wall_us();
	size_t i;
	int failed;

	/* In front of the others, because those behind "--" are names. */
	if (c->args->since > 0)
		add_time(&words, "fecha_inicio", now - c->args->since * 1000);
	if (c->args->since > 0 && !has_field(in, "fecha_fin"))
		add_time(&words, "fecha_fin", now + 1000000);
	if (c->args->device != NULL) {
		char *device = xasprintf("dispositivo=%s", c->args->device);

		strv_add(&words, device);
		free(device);
	}
	more.plain = words.n + in->plain;
	for (i = 0; i < in->n; i++)
		strv_add(&words, in->v[i]);
	more.v = words.v;
	more.n = words.n;
	failed = verb_list(c, schema_find("reading"), &more, err);
	strv_release(&words);
	return failed;
}
