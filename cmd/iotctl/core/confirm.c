/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iotctl/core/confirm.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "iotctl/core/tty.h"

int
confirm(const char *question, const char *no, struct err *err)
{
	char *answer = NULL;
	int failed = tty_ask(question, false, &answer, err);

	if (!failed && (answer[0] == '\0' || strchr("yYsS", answer[0]) == NULL))
		failed = err_set(err, ERR_FAILED, "%s", no);
	free(answer);
	return failed;
}

int
confirm_delete(const struct ctl *c, const struct schema_resource *r, const char *label,
    struct err *err)
{
	char *question, *no;
	int failed;

	if (c->args->yes)
		return 0;
	question = xasprintf(_("delete %s '%s'? [y/N]"), r->name, label);
	no = xasprintf(_("%s '%s' was kept"), r->name, label);
	failed = confirm(question, no, err);
	free(no);
	free(question);
	return failed;
}
