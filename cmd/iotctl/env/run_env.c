/* SPDX-License-Identifier: GPL-3.0-or-later */
/* device env: what a device's own program has to know. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "iotctl/env/env.h"
#include "iotctl/run.h"

/* A header has the password: it goes to no screen, and into no file that others may read. */
static int
check_output(const struct ctl *c, struct err *err)
{
	if (c->args->format != FORMAT_H || c->args->show_secrets)
		return 0;
	if (isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
		    _("the password would be on the screen: send it to a file, or "
		      "--show-secrets"));
	return secret_file_check(STDOUT_FILENO, _("standard output"), err);
}

/* Who reads the file takes its first line. */
static int
check_password(const struct env *e, struct err *err)
{
	const char *password = e->v[ENV_PASSWORD];

	if (password == NULL || strpbrk(password, "\r\n") == NULL)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("the password of device '%s' has a line break, which a password file "
	      "cannot "
	      "have"),
	    e->v[ENV_DEVICE]);
}

static int
write_file(const struct env *e, enum env_value which, const char *dir, struct err *err)
{
	char *path = env_file(e, which, dir);
	const char *text = e->v[which];
	struct buf lines = {0};
	int failed = 0;

	if (path != NULL) {
		buf_puts(&lines, text);
		if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
			buf_putc(&lines, '\n');
		failed = file_write(path, buf_as_span(&lines), 0600, err);
		explicit_bzero(lines.p, lines.n);
	}
	buf_release(&lines);
	free(path);
	return failed;
}

static int
write_files(const struct ctl *c, const struct env *e, const char *dir, struct err *err)
{
	size_t i;

	if (c->args->format == FORMAT_H || c->args->dry_run)
		return 0;
	if (check_password(e, err))
		return -1;
	for (i = 0; i < ENV_VALUES; i++) {
		if (write_file(e, (enum env_value)i, dir, err))
			return -1;
	}
	return 0;
}

static void
print(const struct ctl *c, const struct env *e, const char *dir)
{
	struct buf out = {0};

	if (c->args->format == FORMAT_H)
		env_put_header(&out, e);
	else if (c->args->format == FORMAT_SH)
		env_put_sh(&out, e, dir);
	else
		env_put_json(&out, e, dir);
	fwrite(out.p, 1, out.n, stdout);
	explicit_bzero(out.p, out.n);
	buf_release(&out);
}

int
run_device_env(struct ctl *c, const struct operands *in, struct err *err)
{
	const char *dir = c->args->secrets != NULL ? c->args->secrets : "secrets";
	struct env e = {0};
	int failed;

	if (in->n != 1 || (c->args->format < FORMAT_H && c->args->format != FORMAT_JSON))
		return err_set(err, ERR_USAGE,
		    _("device env takes one device, and --format h, sh or json"));
	failed = check_output(c, err) || env_load(c, in->v[0], &e, err) ||
	    write_files(c, &e, dir, err);
	if (!failed)
		print(c, &e, dir);
	env_release(&e);
	return failed ? -1 : 0;
}
