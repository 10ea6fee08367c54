/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/state_version.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

int
state_version_check(const char *path, long long found, int known, struct err *err)
{
	if (found <= known)
		return 0;
	return err_set(err, ERR_USAGE,
	    _("'%s' was written by a newer iot-utils: it is of version %lld, and this "
	      "one "
	      "knows %d"),
	    path, found, known);
}

int
state_version_accept(const char *path, struct span text, mode_t mode, long long found,
    int known, struct err *err)
{
	char *copy;
	int failed;

	if (found == known)
		return 0;
	if (state_version_check(path, found, known, err))
		return -1;
	copy = xasprintf("%s.v%lld", path, found);
	failed = file_write_new(copy, text, mode, err);
	free(copy);
	return failed;
}
