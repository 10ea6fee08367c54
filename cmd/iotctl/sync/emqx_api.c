/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/sync/emqx_api.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "rest/rest.h"

/* What is asked for at once; objects a page. */
enum { AT_ONCE = 16, PAGE = 1000 };

int
emqx_api_open(struct emqx_api *a, struct ctl *c, struct err *err)
{
	struct rest_opts opts = {.url = c->args->emqx_url != NULL
		? c->args->emqx_url
		: "http://localhost:18083",
	    .cafile = c->args->api.cafile,
	    .context = "emqx",
	    .timeout = c->args->api.timeout};
	const char *path = c->args->emqx_key_file;

	a->ctl = c;
	if (path == NULL)
		return err_set(err, ERR_USAGE,
		    _("EMQX's API wants a key: --emqx-key-file, a file with KEY:SECRET, "
		      "mode 0600"));
	if (file_read_secret(path, &a->key, err))
		return -1;
	if (strchr(a->key, ':') == NULL)
		return err_set(err, ERR_USAGE,
		    _("'%s' holds no EMQX API key: wanted one line, KEY:SECRET"), path);
	opts.basic = a->key;
	if (ctl_loop(c, err))
		return -1;
	a->rest = rest_new(c->loop, &opts, err);
	if (a->rest == NULL)
		return -1;
	rest_warn_plain(a->rest);
	return 0;
}

void
emqx_api_close(struct emqx_api *a)
{
	rest_free(a->rest);
	mem_free_secret(a->key);
	*a = (struct emqx_api){0};
}

static char *
path_of(const char *path)
{
	return xasprintf("/api/v5%s", path);
}

int
emqx_api_call(struct emqx_api *a, const char *method, const char *path, json_t *body,
    json_t **out, struct err *err)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	char *whole = path_of(path);
	struct rest_reply reply = {0};
	json_t *answer = NULL;
	int failed = rest_call(a->rest, method, whole,
	    text != NULL ? span_of(text) : (struct span){0}, &reply, err);

	if (!failed && reply.body.n != 0)
		answer = json_loadb(reply.body.p, reply.body.n, 0, NULL);
	if (!failed && out != NULL && answer == NULL && reply.body.n != 0)
		failed = err_set(
		    err, ERR_PROTOCOL, _("EMQX's answer to '%s' is no JSON"), whole);
	if (!failed && out != NULL)
		*out = answer;
	else
		json_decref(answer);
	rest_reply_release(&reply);
	json_decref(body);
	mem_free_secret(text);
	free(whole);
	return failed ? -1 : 0;
}

int
emqx_api_each(struct emqx_api *a, const char *path,
    void (*fn)(void *arg, const json_t *one), void *arg, struct err *err)
{
	char sign = strchr(path, '?') != NULL ? '&' : '?';
	bool more = true;
	int page, failed = 0;

	for (page = 1; more && !failed; page++) {
		char *one = xasprintf("%s%cpage=%d&limit=%d", path, sign, page, PAGE);
		json_t *answer = NULL, *data, *element;
		size_t i;

		failed = emqx_api_call(a, "GET", one, NULL, &answer, err);
		data = json_object_get(answer, "data");
		if (!failed && !json_is_array(data))
			failed = err_set(err, ERR_PROTOCOL,
			    _("EMQX's answer to '%s' is no list"), one);
		json_array_foreach (data, i, element) {
			fn(arg, element);
		}
		more = json_array_size(data) != 0 &&
		    json_is_true(
			json_object_get(json_object_get(answer, "meta"), "hasnext"));
		json_decref(answer);
		free(one);
	}
	return failed;
}

/* One request of many under way. */
struct flight {
	struct emqx_api_many *many;
	size_t id;
};

static void send_more(struct emqx_api_many *m);

static void
on_done(void *arg, struct rest_reply *reply, const struct err *why)
{
	struct flight *f = arg;
	struct emqx_api_many *m = f->many;

	(void)reply;
	m->flying--;
	if (why != NULL && (why->code == ERR_UNREACHABLE || why->code == ERR_AUTH)) {
		m->over = true;
		if (m->err.code == ERR_OK)
			m->err = *why;
	} else if (why != NULL) {
		m->failed(m->arg, f->id, why);
	}
	free(f);
	send_more(m);
	if (m->flying == 0)
		loop_stop(m->api->ctl->loop);
}

static void
send_more(struct emqx_api_many *m)
{
	while (!m->over && m->flying < AT_ONCE) {
		struct flight *f = xcalloc(1, sizeof(*f));
		struct buf path = {0};
		json_t *body = NULL;
		const char *method;
		char *text;

		f->many = m;
		buf_puts(&path, "/api/v5");
		m->over = !m->next(m->arg, &method, &path, &body, &f->id);
		if (m->over) {
			free(f);
		} else {
			text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
			m->flying++;
			rest_send(m->api->rest, method, buf_str(&path),
			    text != NULL ? span_of(text) : (struct span){0}, on_done, f);
			free(text);
		}
		json_decref(body);
		buf_release(&path);
	}
}

int
emqx_api_all(struct emqx_api_many *m, struct err *err)
{
	int failed = 0;

	send_more(m);
	while (!failed && m->flying != 0)
		failed = loop_run(m->api->ctl->loop, err);
	if (!failed && m->err.code != ERR_OK)
		*err = m->err;
	return failed || m->err.code != ERR_OK ? -1 : 0;
}
