/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "exec/exec_pool_int.h"

static bool
is_program(const char *path)
{
	struct stat s;

	if (access(path, X_OK) != 0 || stat(path, &s) != 0)
		return false;
	errno = EISDIR;
	return S_ISREG(s.st_mode);
}

/* Who knows commands in one string finds here how it is done. */
static int
not_found(const char *name, struct err *err)
{
	if (strpbrk(name, " \t") != NULL)
		return err_set(err, ERR_USAGE,
		    _("cannot run '%s': there is no such program; its arguments are "
		      "words "
		      "of their own, without quotes around it all"),
		    name);
	return err_set(
	    err, ERR_USAGE, _("cannot run '%s': there is no such program"), name);
}

int
exec_pool_find(const char *name, char **path, struct err *err)
{
	const char *list = getenv("PATH");
	struct strv dirs = {0};
	size_t i;

	if (name[0] == '\0')
		return err_set(err, ERR_USAGE, _("the command is empty"));
	if (strchr(name, '/') != NULL) {
		if (!is_program(name) && errno == ENOENT)
			return not_found(name, err);
		if (!is_program(name))
			return err_sys(err, ERR_USAGE, _("cannot run '%s'"), name);
		*path = xstrdup(name);
		return 0;
	}
	strv_split(&dirs, list != NULL ? list : "/usr/local/bin:/usr/bin:/bin", ':');
	for (i = 0; *path == NULL && i < dirs.n; i++) {
		*path = xasprintf("%s/%s", dirs.v[i], name);
		if (!is_program(*path)) {
			free(*path);
			*path = NULL;
		}
	}
	strv_release(&dirs);
	return *path != NULL ? 0 : not_found(name, err);
}
