/* SPDX-License-Identifier: GPL-3.0-or-later */
/* topic match TOPIC... and topic expand NAME VARIABLE=VALUE... */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "iotctl/core/field.h"
#include "iotctl/core/lookup.h"
#include "iotctl/core/objects.h"
#include "iotctl/output/cell.h"
#include "iotctl/output/report.h"
#include "iotctl/run.h"

static const char *const variables[TOPIC_VARS] = {[TOPIC_DEVICE_ID] = "device_id",
    [TOPIC_SENSOR_TYPE] = "sensor_type",
    [TOPIC_TIMESTAMP] = "timestamp"};

/* One pattern of the platform against one topic. */
static bool
match_one(struct report *r, const char *topic, struct span object)
{
	const char *cells[3 + TOPIC_VARS] = {topic};
	struct buf name = {0}, pattern = {0};
	struct topic_vars vars = {0};
	struct topic *t = NULL;
	bool same;
	size_t i;

	cell_member(object, "nombre", &name);
	cell_member(object, "topic_pattern", &pattern);
	same = topic_compile(&t, buf_str(&pattern), NULL) == 0 &&
	    (topic_match(t, span_of(topic), &vars) ||
		topic_filter_matches(buf_str(&pattern), span_of(topic)));
	cells[1] = buf_str(&name);
	cells[2] = buf_str(&pattern);
	for (i = 0; i < TOPIC_VARS; i++)
		cells[3 + i] =
		    vars.v[i].p != NULL ? xstrndup(vars.v[i].p, vars.v[i].n) : NULL;
	if (same)
		report_row(r, cells);
	for (i = 0; i < TOPIC_VARS; i++)
		free((char *)(uintptr_t)cells[3 + i]);
	topic_free(t);
	buf_release(&pattern);
	buf_release(&name);
	return same;
}

static int
match_all(struct ctl *c, struct report *r, const struct strv *topics, struct err *err)
{
	struct objects known = {0};
	size_t i, k, alone = 0;
	const char *last = "";
	int failed = objects_fetch(c, "topic", "", &known, err);

	for (i = 0; i < topics->n && !failed; i++) {
		bool any = false;

		failed = topic_check_name(span_of(topics->v[i]), err);
		for (k = 0; k < known.n && !failed; k++)
			any |= match_one(r, topics->v[i], buf_as_span(&known.v[k]));
		if (!any) {
			alone++;
			last = topics->v[i];
		}
	}
	if (!failed && alone != 0)
		failed = err_set(err, ERR_NOT_FOUND,
		    P_("no topic of the platform matches '%s' (%zu of %zu topic)",
			"no topic of the platform matches '%s' (%zu of %zu topics)",
			topics->n),
		    last, alone, topics->n);
	objects_release(&known);
	return failed;
}

int
run_topic_match(struct ctl *c, const struct operands *in, struct err *err)
{
	static const char *const columns[] = {
	    "topic", "nombre", "topic_pattern", "device_id", "sensor_type", "timestamp"};
	struct strv topics = {0};
	struct report r;
	int failed;

	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("topic match TOPIC..."));
	report_start(&r, c, columns, ARRAY_LEN(columns), 0);
	failed = ctl_operands(c, in, 0, &topics, err) || match_all(c, &r, &topics, err);
	report_end(&r);
	strv_release(&topics);
	return failed ? -1 : 0;
}

static int
take_variable(char *word, struct topic_vars *vars, struct err *err)
{
	struct field_word w = field_split(word);
	size_t i;

	for (i = 0; i < TOPIC_VARS; i++) {
		if (w.op == FIELD_TEXT && span_is(w.name, variables[i])) {
			vars->v[i] = span_of(w.value);
			return 0;
		}
	}
	return err_set(
	    err, ERR_USAGE, _("'%s': give device_id=, sensor_type= or timestamp="), word);
}

int
run_topic_expand(struct ctl *c, const struct operands *in, struct err *err)
{
	struct topic_vars vars = {0};
	struct buf pattern = {0};
	struct topic *t = NULL;
	struct lookup_found f = {0};
	char *topic = NULL;
	size_t i;
	int failed = 0;

	if (in->n == 0)
		return err_set(err, ERR_USAGE, _("topic expand NAME device_id=..."));
	for (i = 1; i < in->n && !failed; i++)
		failed = take_variable(in->v[i], &vars, err);
	failed = failed || lookup(c, schema_find("topic"), in->v[0], &f, err);
	if (!failed)
		cell_member(buf_as_span(&f.bytes), "topic_pattern", &pattern);
	failed = failed || topic_compile(&t, buf_str(&pattern), err) ||
	    topic_expand(t, &vars, &topic, err);
	if (!failed)
		puts(topic);
	free(topic);
	topic_free(t);
	buf_release(&pattern);
	lookup_release(&f);
	return failed ? -1 : 0;
}
