/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to provision: from the command line or from a file. */
#include "iotctl/provision/provision_batch.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "model/field_errs.h"
#include "model/validate.h"
#include "iotctl/core/field.h"

/* The column that a field of the command line stands for, as in a file; the device's id is none. */
static int
column_of(const char *word, enum fleet_column *out, struct err *err)
{
	const char *names[FLEET_COLUMNS + 1] = {NULL};
	const char *near;
	int i = fleet_file_column(word);

	if (i >= FLEET_NAME) {
		*out = (enum fleet_column)i;
		return 0;
	}
	for (i = FLEET_NAME; i < FLEET_COLUMNS; i++)
		names[i - FLEET_NAME] = fleet_file_names[i];
	near = text_nearest(word, names);
	return err_set(err, ERR_USAGE,
	    _("provision has no field '%s'; did you mean '%s'?"), word,
	    near != NULL ? near : "nombre");
}

static int
take_field(struct batch *b, const struct field_word *w, struct err *err)
{
	char *name = xstrndup(w->name.p, w->name.n);
	enum fleet_column column = FLEET_NAME;
	char *at;
	int failed = column_of(name, &column, err);

	if (!failed && w->op != FIELD_TEXT)
		failed = err_set(err, ERR_USAGE, _("provision takes FIELD=TEXT only"));
	free(name);
	if (failed)
		return -1;
	free(b->common[column]);
	b->common[column] = xstrdup(w->value);
	/* Lists have commas on the command line and ";" in files. */
	for (at = b->common[column];
	     column == FLEET_SUBSCRIBE || column == FLEET_SENSORS;) {
		at = strchr(at, ',');
		if (at == NULL)
			break;
		*at = ';';
	}
	return 0;
}

static int
check_interval(const struct batch *b, struct err *err)
{
	int64_t seconds;

	return b->common[FLEET_INTERVAL] == NULL
	    ? 0
	    : text_int(
		  b->common[FLEET_INTERVAL], 1, 86400, "publish_interval", &seconds, err);
}

static int
check_ids(const struct strv *ids, struct err *err)
{
	size_t i, j;

	for (i = 0; i < ids->n; i++) {
		if (topic_check_id(span_of(ids->v[i]), _("device id"), err))
			return -1;
		for (j = 0; j < i; j++) {
			if (strcmp(ids->v[i], ids->v[j]) == 0)
				return err_set(err, ERR_USAGE,
				    _("device '%s' is named twice"), ids->v[i]);
		}
	}
	return 0;
}

static int
take_operands(struct batch *b, const struct operands *in, struct err *err)
{
	size_t i;

	for (i = 0; i < in->n; i++) {
		struct field_word w = field_split(in->v[i]);

		if (i >= in->plain || w.op == FIELD_NONE)
			strv_add(&b->ids, in->v[i]);
		else if (take_field(b, &w, err))
			return -1;
	}
	if (ctl_names(b->c, &b->ids, err) || check_interval(b, err))
		return -1;
	if (check_ids(&b->ids, err))
		return -1;
	if (b->c->args->from == NULL)
		return b->ids.n != 0
		    ? 0
		    : err_set(err, ERR_USAGE,
			  _("device provision ID... FIELD=..., or --from FILE"));
	if (b->ids.n != 0)
		return err_set(err, ERR_USAGE,
		    _("'%s': devices come from --from or from the "
		      "command line, not from both"),
		    b->ids.v[0]);
	if (strcmp(b->c->args->from, "-") == 0 && ctl_claim_stdin(b->c, "--from", err))
		return -1;
	if (fleet_file_read(&b->fleet, b->c->args->from, &b->c->args->ignored, err))
		return -1;
	/* One that was cut off, or was never written, asks for nothing. */
	return b->fleet.n != 0
	    ? 0
	    : err_set(err, ERR_USAGE, _("there is no device in '%s'"),
		  strcmp(b->c->args->from, "-") == 0 ? _("standard input")
						     : b->c->args->from);
}

/* Tells the error at hand, if there is one: this one comes behind it. */
static void
add_wrong(const struct batch *b, const struct unit *u, const char *text, struct err *err)
{
	if (err->code != ERR_OK)
		log_err(err);
	if (b->fleet.n != 0)
		err_set(err, ERR_USAGE, "%s:%zu: %s",
		    strcmp(b->c->args->from, "-") == 0 ? _("standard input")
						       : b->c->args->from,
		    u->row, text);
	else
		err_set(err, ERR_USAGE, _("device '%s': %s"), u->device, text);
}

/* What the platform would refuse of it, and a dry run could not see. `wrong`: what is known to be, perhaps
 * its id; NULL: nothing. */
static void
check_unit(
    const struct batch *b, const struct unit *u, const char *wrong, struct err *err)
{
	struct unit sound = *u;
	struct field_errs errs = {0};
	struct buf text = {0};
	json_t *body;
	size_t i;

	if (wrong != NULL)
		sound.device = "X";
	body = provision_unit_device_body(&sound);
	json_decref(validate_body(schema_find("device"), body, false, &errs));
	buf_puts(&text, wrong != NULL ? wrong : "");
	for (i = 0; i < errs.n; i++)
		field_errs_put(&errs.v[i], &text);
	if (text.n != 0)
		add_wrong(b, u, buf_str(&text), err);
	buf_release(&text);
	field_errs_release(&errs);
	json_decref(body);
}

/* All of them, before the first request. */
static int
check_units(const struct batch *b, struct err *err)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		check_unit(
		    b, &b->v[i], b->fleet.n != 0 ? b->fleet.rows[i].wrong : NULL, err);
	return err->code != ERR_OK ? -1 : 0;
}

static void
make_units(struct batch *b)
{
	size_t i, k;

	b->n = b->ids.n + b->fleet.n;
	b->v = xcalloc(b->n + 1, sizeof(*b->v));
	for (i = 0; i < b->n; i++) {
		const struct fleet_file_row *row =
		    b->fleet.n != 0 ? &b->fleet.rows[i] : NULL;
		struct unit *u = &b->v[i];

		u->row = row != NULL ? row->line : i + 1;
		u->device = row != NULL ? row->text[FLEET_DEVICE] : b->ids.v[i];
		for (k = FLEET_NAME; k < FLEET_COLUMNS; k++)
			u->text[k] = row != NULL && row->text[k] != NULL ? row->text[k]
									 : b->common[k];
	}
}

int
provision_batch_read(struct batch *b, const struct operands *in, struct err *err)
{
	if (take_operands(b, in, err))
		return -1;
	make_units(b);
	return check_units(b, err);
}
